import type { Detection } from '../../findings/detection.ts';
import {
  METADATA_MAX_ENTRIES,
  METADATA_NAME_MAX,
  METADATA_VALUE_MAX,
  TEXT_MAX,
} from '../../findings/limits.ts';
import type { CommandResult } from '../commands/commands.ts';
import { SENSOR_TIMEOUT_S } from '../registry/limits.ts';
import { sensorPresence } from '../registry/presence.ts';
import type { Sensor } from '../registry/sensor.ts';

import { requestInvalid } from './problem.ts';
import type { Drift, HealingResult, PollingAnswer, Resolved, StatusAnswer } from './schemas.ts';

/** What bodies mean, and what is answered, as pure functions. */

/** @throws BulkheadError SENSOR_REQUEST_INVALID for a time that is none */
export function driftDetection(sensor: Sensor, drift: Drift): Detection {
  const { expected, actual, rest } = readDetails(drift.details);
  return {
    subject: sensor.id,
    hostname: drift.hostname,
    check_type: drift.drift_type.toLowerCase(),
    passed: false,
    expected,
    actual,
    control: drift.check_id ?? null,
    severity: drift.severity,
    at_s: toSeconds('detected_at', drift.detected_at),
    metadata: { ...rest, ...(drift.event_id === undefined ? {} : { event_id: drift.event_id }) },
  };
}

/** @throws BulkheadError SENSOR_REQUEST_INVALID for a time that is none */
export function resolvedDetection(sensor: Sensor, resolved: Resolved): Detection {
  return {
    subject: sensor.id,
    hostname: resolved.hostname,
    check_type: resolved.drift_type.toLowerCase(),
    passed: true,
    ...{ expected: '', actual: '', control: null, severity: 'info' },
    at_s: toSeconds('resolved_at', resolved.resolved_at),
    metadata: resolved.resolved_by === undefined ? {} : { resolved_by: resolved.resolved_by },
  };
}

/** @throws BulkheadError SENSOR_REQUEST_INVALID for a time that is none */
export function commandResult(sensor: Sensor, told: HealingResult): CommandResult {
  return {
    command_id: told.command_id,
    sensor: sensor.id,
    check_type: told.drift_type.toLowerCase(),
    success: told.success,
    error_message: told.error_message ?? '',
    at_s: toSeconds('finished_at', told.finished_at),
    artifacts: {},
  };
}

/** Unix seconds of a time as sensors write it. */
function toSeconds(field: string, instant: number | string): number {
  const seconds = typeof instant === 'number' ? instant : Date.parse(instant) / 1000;
  if (!Number.isFinite(seconds) || seconds < 0) throw requestInvalid(`${field}: no time`);
  return Math.floor(seconds);
}

/** Fields have a place of their own as far as there is one; what is too long is cut, for the finding counts and not its prose. */
function readDetails(details: Drift['details']) {
  if (typeof details === 'string') return { expected: '', actual: details, rest: {} };
  const { expected, actual, ...others } = details;
  const rest: Record<string, string> = {};
  for (const [name, value] of Object.entries(others).slice(0, METADATA_MAX_ENTRIES - 1)) {
    // Whose names are so long has made them up; a cut one could meet another.
    if (name.length <= METADATA_NAME_MAX) rest[name] = textOf(value).slice(0, METADATA_VALUE_MAX);
    if (totalOf(rest) > METADATA_TOTAL_MAX) delete rest[name];
  }
  return {
    expected: textOf(expected).slice(0, TEXT_MAX),
    actual: textOf(actual).slice(0, TEXT_MAX),
    rest,
  };
}

/** Leaves room for the event's own id. */
const METADATA_TOTAL_MAX = 8_000;

function totalOf(metadata: Readonly<Record<string, string>>): number {
  return Object.entries(metadata).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Sensors that are let in, and how they are. */
export function statusOf(sensors: readonly Sensor[], now_ms: number): StatusAnswer {
  const shown = sensors
    .filter(({ revoked_at }) => revoked_at === null)
    .map((sensor) => ({
      sensor_id: sensor.id,
      hostname: sensor.hostname,
      domain: sensor.domain,
      mode: sensor.mode,
      os_version: sensor.os_version,
      sensor_version: sensor.agent_version,
      last_seen: sensor.last_heard_at,
      active: sensorPresence(sensor, now_ms) === 'live',
      drift_count: sensor.drift_count,
    }));
  const active = shown.filter((sensor) => sensor.active).length;
  return { sensors: shown, total: shown.length, active, sensor_timeout_seconds: SENSOR_TIMEOUT_S };
}

/** Machines that nobody reports for: without a sensor, or with one that is silent. By name, without regard to case. */
export function hostsWithoutSensor(
  sensors: readonly Sensor[],
  known: readonly { hostname: string }[],
  now_ms: number,
): PollingAnswer {
  const admitted = sensors.filter(({ revoked_at }) => revoked_at === null);
  const named = (hostname: string) =>
    admitted.filter((sensor) => sensor.hostname.toLowerCase() === hostname.toLowerCase());
  const names = new Map<string, string>();
  for (const { hostname } of [...known, ...admitted]) names.set(hostname.toLowerCase(), hostname);
  const hosts: PollingAnswer['hosts'] = [];
  for (const hostname of names.values()) {
    const own = named(hostname);
    if (own.some((sensor) => sensorPresence(sensor, now_ms) === 'live')) continue;
    const heard = own.flatMap(({ last_heard_at }) => last_heard_at ?? []).sort();
    hosts.push({
      hostname,
      reason: own.length === 0 ? 'no_sensor' : 'silent',
      last_seen: heard.at(-1) ?? null,
    });
  }
  return { hosts, total: hosts.length };
}
