import { createHash } from 'node:crypto';
import { CAPABILITY_TIERS } from '../../protocol/healing/tier.ts';
import { SITE_FINDINGS_MAX } from '../../protocol/limits.ts';
import {
  FINDING_SEVERITIES,
  SENSOR_STATES,
  SITE_HEALING_STATES,
  type SiteFinding,
  type SiteHealing,
  type SiteReport,
  type SiteSensor,
} from '../../protocol/messages/site-report.ts';
import { SITE_CHANGE_MS, SITE_SENSORS_MAX, SITE_SENSORS_MIN } from './limits.ts';
import { createRandom, type Random } from './random.ts';

/** What goes wrong at sites, and how bad it is. */
const CHECKS = [
  { check_type: 'firewall', severity: 'critical', action: 'enable_firewall' },
  { check_type: 'bitlocker', severity: 'high', action: 'enable_bitlocker' },
  { check_type: 'patches', severity: 'medium', action: 'install_security_updates' },
  { check_type: 'screenlock', severity: 'low', action: 'enable_screenlock' },
  { check_type: 'time_sync', severity: 'info', action: 'restart_time_sync' },
] as const;

/** Of a sensor in a quarter of an hour. */
const SILENT_ODDS = 0.02;
const FINDING_ODDS = 0.03;
/** Of what goes wrong, what healing puts right before it is told. */
const HEALED_ODDS = 0.6;

/**
 * What a simulated appliance sees of its site at a moment: all of it follows from the seed of its fleet, its place there and the quarter of an hour, so
 * nothing is kept. Pure.
 */
export function siteReportOf(seed: string, index: number, at_ms: number): SiteReport {
  const fixed = createRandom(`site ${index} ${seed}`);
  const sensors_max = SITE_SENSORS_MIN + Math.floor(fixed() * (SITE_SENSORS_MAX - SITE_SENSORS_MIN + 1));
  const turn = Math.floor(at_ms / SITE_CHANGE_MS);
  const now = createRandom(`site ${index} at ${turn} ${seed}`);
  const sensors = Array.from({ length: sensors_max }, (_, place) => sensorOf(seed, index, place, at_ms, now));
  const troubled = sensors
    .filter(() => now() < FINDING_ODDS)
    .map((sensor) => ({ sensor, ...pick(CHECKS, now) }));
  const told = troubled.map((trouble) => ({ ...trouble, isHealed: now() < HEALED_ODDS }));
  const opened_ms = turn * SITE_CHANGE_MS;
  const findings = told
    .filter(({ isHealed }) => !isHealed)
    .slice(0, SITE_FINDINGS_MAX)
    .map(
      ({ sensor: { id: subject, hostname }, check_type, severity }): SiteFinding => ({
        ...{ id: `f-${turn.toString(16)}-${subject.slice(2, 10)}`, subject, hostname, check_type, severity },
        ...{ control: null, opened_ms },
      }),
    );
  const healings = told.map(
    ({ sensor: { id: subject, hostname }, check_type, action, isHealed }): SiteHealing => ({
      ...{ id: `h-${turn.toString(16)}-${subject.slice(2, 10)}`, subject, hostname, check_type, action },
      ...{
        state: isHealed ? 'healed' : 'gave_up',
        dry_run: false,
        began_ms: opened_ms,
        ended_ms: opened_ms + 1_000,
      },
      reason: isHealed ? null : 'simulated',
    }),
  );
  const rate = 1 - findings.length / (sensors_max * CHECKS.length);
  return {
    observed_at_ms: Math.floor(at_ms),
    sensors: {
      states: countBy(
        SENSOR_STATES,
        sensors.map(({ state }) => state),
      ),
      tiers: countBy(
        CAPABILITY_TIERS,
        sensors.map(({ tier }) => tier),
      ),
      ...{ waiting: 0, list: sensors, left_out: 0 },
    },
    findings: {
      severities: countBy(
        FINDING_SEVERITIES,
        findings.map(({ severity }) => severity),
      ),
      ...{ list: findings, left_out: 0 },
    },
    healings: {
      states: countBy(
        SITE_HEALING_STATES,
        healings.map(({ state }) => state),
      ),
      ...{ list: healings, left_out: 0 },
    },
    healing: { mode: 'on', rules_version: null },
    compliance: [{ framework: 'HIPAA', fails: findings.length, unknown: 0, rate }],
    evidence: {
      chain: digest(`chain ${index} ${seed}`, 32),
      seq: turn,
      hash: digest(`${turn} ${index} ${seed}`, 64),
    },
  };
}

function sensorOf(seed: string, index: number, place: number, at_ms: number, now: Random): SiteSensor {
  const state = now() < SILENT_ODDS ? 'silent' : 'live';
  return {
    id: `s-${digest(`sensor ${place} ${index} ${seed}`, 16)}`,
    ...{
      hostname: `machine-${index}-${place}`,
      state,
      tier: place % 4 === 0 ? 'full_remediation' : 'self_heal',
    },
    heard_ms: Math.floor(at_ms) - (state === 'live' ? 30_000 : SITE_CHANGE_MS),
  };
}

function pick<T>(all: readonly [T, ...T[]] | readonly T[], random: Random): T {
  const found = all[Math.floor(random() * all.length)] ?? all[0];
  if (found === undefined) throw new RangeError('there is nothing to pick from');
  return found;
}

function countBy<const K extends string>(names: readonly K[], all: readonly K[]): Record<K, number> {
  const counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<K, number>;
  for (const one of all) counts[one] += 1;
  return counts;
}

function digest(text: string, digits: number): string {
  return createHash('sha256').update(`bulkhead-simulate 1 ${text}`).digest('hex').slice(0, digits);
}
