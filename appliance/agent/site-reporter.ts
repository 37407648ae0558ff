import { Value } from '@sinclair/typebox/value';
import { BulkheadError } from '../../base/errors.ts';
import { SITE_REPORT_MAX_BYTES } from '../../protocol/limits.ts';
import { SiteAnswer } from '../../protocol/messages/site-report.ts';
import type { ComplianceReport } from '../../status-page/compliance/report.ts';
import type { EvidenceStatus } from '../evidence/control.ts';
import type { Finding } from '../findings/findings.ts';
import type { HealingStatus } from '../healing/control.ts';
import type { Healing } from '../healing/engine/healing-record.ts';
import type { Link } from '../link/link.ts';
import type { SensorList } from '../sensors/control.ts';
import { callSite } from '../site/control/client.ts';
import {
  FINDINGS_COUNTED_MAX,
  FINDINGS_PAGE,
  HEALINGS_LOOKED_AT,
  SITE_LOOK_MS,
  SITE_REPORT_INTERVAL_MS,
} from './limits.ts';
import {
  fitReport,
  isReportDue,
  newsOf,
  type SiteSight,
  siteReport,
  type ToldHealings,
} from './site-report.ts';
import { startSiteRounds } from './site-rounds.ts';

export interface SiteReporterOptions {
  link: Pick<Link, 'ask' | 'coordinatorKeys'>;
  /** The control socket of the site's service. */
  socket: string;
  warn: (message: string) => void;
  now: () => Date;
  /** Instead of SITE_LOOK_MS and SITE_REPORT_INTERVAL_MS. */
  look_ms?: number;
  interval_ms?: number;
}

/** Refusals of the report itself: what is told next time is another one. An older coordinator does not know the question. */
const NOT_TAKEN = ['REQUEST_INVALID', 'BODY_TOO_LARGE'];
const OLDER = 'ROUTE_UNKNOWN';

/**
 * Tells the coordinator what the service of the site sees, which has no device key. Nothing is kept for a coordinator that does not answer: the next look is
 * newer, and says all that one before it would have said.
 */
export function startSiteReporter(options: SiteReporterOptions): { stop(): Promise<void> } {
  const { link, socket, warn, now, interval_ms = SITE_REPORT_INTERVAL_MS } = options;
  let told: { news: string; at_ms: number } | null = null;
  let toldHealings: ToldHealings = new Map();
  let before: string | null = null;
  const reportOf = (sight: SiteSight) => fitReport(siteReport(sight, toldHealings), SITE_REPORT_MAX_BYTES);
  const round = async () => {
    const sight = await lookAtSite(socket, now().getTime());
    const report = reportOf(sight);
    const news = newsOf(report);
    const at_ms = performance.now();
    const isDue = isReportDue({ news, before, told, at_ms, interval_ms });
    before = news;
    if (!isDue) return;
    const reply = await link.ask({ path: '/agent/site', body: JSON.stringify(report) });
    if (reply.kind === 'answer' && Value.Check(SiteAnswer, reply.body)) {
      toldHealings = new Map(sight.healings.map(({ id, state }) => [id, state]));
      // What was just told is no news any more.
      told = { news: newsOf(reportOf(sight)), at_ms };
    } else if (reply.kind === 'refusal' && reply.code !== null) {
      const isRefused = NOT_TAKEN.includes(reply.code);
      if (isRefused) warn(`what is seen of the site was refused: ${reply.message}`);
      if (isRefused || reply.code === OLDER) told = { news, at_ms };
    }
  };
  return startSiteRounds({
    ...{ link, warn, round, pause_ms: options.look_ms ?? SITE_LOOK_MS },
    failed: 'the coordinator was not told of the site',
  });
}

/** It is the same program: no other schemas than its own. @throws what callSite throws */
async function lookAtSite(socket: string, at_ms: number): Promise<SiteSight> {
  const site = (path: string) => callSite(path, { socket });
  return {
    at_ms,
    sensors: await site('/v1/sensors').then((list) => list as SensorList, whereNone),
    findings: await openFindings(site),
    healing: (await site('/v1/healing')) as HealingStatus,
    healings: (await site(`/v1/healing/history?limit=${HEALINGS_LOOKED_AT}`)) as Healing[],
    compliance: (await site('/v1/compliance')) as ComplianceReport,
    evidence: (await site('/v1/evidence')) as EvidenceStatus,
  };
}

/** Where sensors are switched off there is no such question. */
function whereNone(error: unknown): null {
  if (error instanceof BulkheadError && error.code === 'SITE_ROUTE_UNKNOWN') return null;
  throw error;
}

async function openFindings(site: (path: string) => Promise<unknown>): Promise<Finding[]> {
  const found: Finding[] = [];
  for (let before = ''; found.length < FINDINGS_COUNTED_MAX; ) {
    const query = `state=open&limit=${FINDINGS_PAGE}${before === '' ? '' : `&before=${before}`}`;
    const { findings } = (await site(`/v1/findings?${query}`)) as { findings: Finding[] };
    found.push(...findings);
    before = findings.at(-1)?.id ?? '';
    if (findings.length < FINDINGS_PAGE) break;
  }
  return found;
}
