import { hostname } from 'node:os';
import { BulkheadError } from '../../../base/errors.ts';
import type { SiteSource } from '../../../status-page/site/source.ts';
import type { EvidenceStatus } from '../../evidence/control.ts';
import type { Finding, FindingCounts, StoredEvent } from '../../findings/findings.ts';
import type { HealingStatus } from '../../healing/control.ts';
import type { Healing } from '../../healing/engine/healing-record.ts';
import type { TargetList } from '../../healing/targets/start-targets.ts';
import type { SensorList } from '../../sensors/control.ts';
import { callSite } from '../control/client.ts';
import { PAGE_ASK_TIMEOUT_MS, PAGE_FINDINGS_MAX, PAGE_LATEST_MAX } from '../limits.ts';
import { buildSiteReport } from './build-report.ts';

export interface SiteSourceOptions {
  now: () => Date;
  /** Told that somebody tried to let a sensor in: the code of the console may be another one. */
  onAdmission?: () => void;
  /** Instead of the appliance's. */
  socket?: string | undefined;
}

/** What the status page shows of the site, asked of its service; and how the page lets a sensor in. */
export function siteSource({ now, onAdmission, socket }: SiteSourceOptions): SiteSource {
  const call = (): { signal: AbortSignal; socket?: string } => ({
    signal: AbortSignal.timeout(PAGE_ASK_TIMEOUT_MS),
    ...(socket === undefined ? {} : { socket }),
  });
  return {
    async report() {
      const options = call();
      // It is the same program: no other schema than its own; and the page holds the whole to one.
      const ask = async <T>(path: string) => (await callSite(path, options)) as T;
      const [sensors, targets, counts, findings, events, healing, healings, evidence] = await Promise.all([
        unlessNone(ask<SensorList>('/v1/sensors')),
        ask<TargetList>('/v1/targets'),
        ask<FindingCounts>('/v1/findings/counts'),
        ask<{ findings: Finding[] }>(`/v1/findings?state=open&limit=${PAGE_FINDINGS_MAX}`),
        ask<{ events: StoredEvent[] }>(`/v1/events?limit=${PAGE_LATEST_MAX}`),
        ask<HealingStatus>('/v1/healing'),
        ask<Healing[]>(`/v1/healing/history?limit=${PAGE_LATEST_MAX}`),
        ask<EvidenceStatus>('/v1/evidence'),
      ]);
      return buildSiteReport({
        ...{ now: now(), hostname: hostname(), sensors, counts, healing, healings, evidence },
        ...{ targets: targets.targets, findings: findings.findings, events: events.events },
      });
    },
    async admit({ fingerprint, tier, console_code }) {
      const body = { way: 'status_page', tier, console_code };
      try {
        await callSite(`/v1/sensors/waiting/${fingerprint}/admit`, { ...call(), method: 'POST', body });
      } finally {
        onAdmission?.();
      }
    },
  };
}

/** Where sensors are not enabled, the service has no such question. */
async function unlessNone<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof BulkheadError && error.code === 'SITE_ROUTE_UNKNOWN') return null;
    throw error;
  }
}
