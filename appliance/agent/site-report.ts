import { CAPABILITY_TIERS } from '../../protocol/healing/tier.ts';
import {
  FACT_TEXT_MAX,
  SITE_FINDINGS_MAX,
  SITE_FRAMEWORKS_MAX,
  SITE_HEALINGS_MAX,
  SITE_SENSORS_MAX,
} from '../../protocol/limits.ts';
import {
  FINDING_SEVERITIES,
  SENSOR_STATES,
  SITE_HEALING_STATES,
  type SiteHealing,
  type SiteReport,
  type SiteSensor,
} from '../../protocol/messages/site-report.ts';
import type { ComplianceReport } from '../../status-page/compliance/report.ts';
import type { EvidenceStatus } from '../evidence/control.ts';
import type { Finding } from '../findings/findings.ts';
import type { HealingStatus } from '../healing/control.ts';
import type { Healing } from '../healing/engine/healing-record.ts';
import type { SensorList } from '../sensors/control.ts';
import { sensorPresence } from '../sensors/registry/presence.ts';

type SeenSensors = Pick<SensorList, 'sensors' | 'waiting'>;
type SeenHealing = Pick<Healing, keyof SiteHealing & keyof Healing> & Pick<Healing, 'detected_s' | 'ended_s'>;

/** What one look at the service of the site brings. */
export interface SiteSight {
  at_ms: number;
  /** null: no sensors are taken. */
  sensors: SeenSensors | null;
  /** Those that are open. */
  findings: readonly Finding[];
  healing: Pick<HealingStatus, 'switch' | 'rules'>;
  /** Newest first. */
  healings: readonly SeenHealing[];
  compliance: Pick<ComplianceReport, 'frameworks'>;
  evidence: Pick<EvidenceStatus, 'chain' | 'head'>;
}

/** How healings stood when they were told last, by their id. */
export type ToldHealings = ReadonlyMap<string, Healing['state']>;

/** The report of one look. Pure. @param told those that stand as they did are left out */
export function siteReport(sight: SiteSight, told: ToldHealings): SiteReport {
  const { at_ms, findings, healing, compliance, evidence } = sight;
  const { list: named, left_out } = bounded(findings.toSorted(worstFirst), SITE_FINDINGS_MAX);
  return {
    observed_at_ms: at_ms,
    sensors: sight.sensors && sensorsOf(sight.sensors, at_ms),
    findings: {
      severities: countBy(FINDING_SEVERITIES, findings, ({ severity }) => severity),
      list: named.map(({ id, subject, hostname, check_type, severity, control, opened_at }) => ({
        ...{ id, subject, hostname: lineOf(hostname), check_type, severity },
        ...{ control: control === null ? null : lineOf(control), opened_ms: Date.parse(opened_at) },
      })),
      left_out,
    },
    healings: healingsOf(sight.healings.filter(({ id, state }) => told.get(id) !== state)),
    healing: { mode: healing.switch.mode, rules_version: healing.rules.version },
    compliance: compliance.frameworks
      .slice(0, SITE_FRAMEWORKS_MAX)
      .map(({ framework, fails, unknown, rate }) => ({ framework, fails, unknown, rate })),
    evidence: { chain: evidence.chain, ...evidence.head },
  };
}

/**
 * What makes a report another one. When somebody was heard last, how long the evidence is, and a rate that moves with the hours are told along and
 * are no news by themselves.
 */
export function newsOf({ sensors, findings, healings, healing }: SiteReport): string {
  const quiet = sensors && { ...sensors, list: sensors.list.map(({ heard_ms: _, ...rest }) => rest) };
  return JSON.stringify({ sensors: quiet, findings, healings, healing });
}

/** The same report with as much of its lists as fits. Pure. */
export function fitReport(report: SiteReport, max_bytes: number): SiteReport {
  let fitted = report;
  while (Buffer.byteLength(JSON.stringify(fitted)) > max_bytes) {
    const { sensors, findings, healings } = fitted;
    const names = (sensors?.list.length ?? 0) + findings.list.length + healings.list.length;
    if (names === 0) break;
    fitted = {
      ...fitted,
      sensors: sensors && halved(sensors),
      findings: halved(findings),
      healings: halved(healings),
    };
  }
  return fitted;
}

/** Whether a report goes out. Pure. */
export function isReportDue({ news, before, told, at_ms, interval_ms }: ReportMoment): boolean {
  if (told === null || at_ms - told.at_ms >= interval_ms) return true;
  return news !== told.news && news === before;
}

export interface ReportMoment {
  news: string;
  /** Of the look before; null: this is the first. */
  before: string | null;
  /** What was told last, and when; null: nothing. */
  told: { news: string; at_ms: number } | null;
  /** By a clock that nobody sets. */
  at_ms: number;
  interval_ms: number;
}

function sensorsOf({ sensors, waiting }: SeenSensors, at_ms: number): SiteReport['sensors'] {
  const known = sensors
    .flatMap((sensor): SiteSensor[] => {
      const { id, hostname, tier, last_heard_at } = sensor;
      const state = sensorPresence(sensor, at_ms);
      if (state === 'revoked') return [];
      const heard_ms = last_heard_at === null ? null : Date.parse(last_heard_at);
      return [{ id, hostname: lineOf(hostname), state, tier, heard_ms }];
    })
    // Whom somebody has to look after is named first.
    .sort((a, b) => Number(a.state === 'live') - Number(b.state === 'live') || (a.id < b.id ? -1 : 1));
  return {
    states: countBy(SENSOR_STATES, known, ({ state }) => state),
    tiers: countBy(CAPABILITY_TIERS, known, ({ tier }) => tier),
    waiting: waiting.length,
    ...bounded(known, SITE_SENSORS_MAX),
  };
}

function healingsOf(healings: readonly SeenHealing[]): SiteReport['healings'] {
  const { list, left_out } = bounded(healings, SITE_HEALINGS_MAX);
  return {
    states: countBy(SITE_HEALING_STATES, healings, ({ state }) => state),
    list: list.map(
      ({
        id,
        subject,
        hostname,
        check_type,
        action,
        state,
        dry_run,
        detected_s,
        ended_s,
        reason,
      }): SiteHealing => ({
        ...{ id, subject, hostname: lineOf(hostname), check_type, action, state, dry_run },
        ...{ began_ms: detected_s * 1000, ended_ms: ended_s === null ? null : ended_s * 1000 },
        reason: reason === null ? null : lineOf(reason),
      }),
    ),
    left_out,
  };
}

function worstFirst(a: Finding, b: Finding): number {
  const rank = ({ severity }: Finding) => FINDING_SEVERITIES.indexOf(severity);
  return rank(b) - rank(a) || (a.opened_at < b.opened_at ? 1 : -1);
}

function countBy<T, const K extends string>(
  names: readonly K[],
  all: readonly T[],
  of: (one: T) => K,
): Record<K, number> {
  const counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<K, number>;
  for (const one of all) counts[of(one)] += 1;
  return counts;
}

function bounded<T>(all: readonly T[], max: number): { list: T[]; left_out: number } {
  return { list: all.slice(0, max), left_out: Math.max(0, all.length - max) };
}

function halved<L extends { list: unknown[]; left_out: number }>(part: L): L {
  const kept = Math.floor(part.list.length / 2);
  return { ...part, list: part.list.slice(0, kept), left_out: part.left_out + part.list.length - kept };
}

/** Texts of other machines, as the protocol takes them: one line, bounded. */
function lineOf(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out.
  return text.replace(/[\x00-\x1f\x7f]+/g, ' ').slice(0, FACT_TEXT_MAX);
}
