import { formatBytes } from '../../base/text.ts';
import type { Waiting } from './admission/admission.ts';
import type { NewCode, SensorList } from './control.ts';
import type { ProgramFolder } from './programs/program-folder.ts';
import type { Sensor } from './registry/sensor.ts';

/** Sensors as a person at a terminal reads them. */

export function listText({ sensors, waiting, behind }: SensorList): string {
  const rows = sensors.map(({ id, hostname, way, tier, agent_version, last_heard_at, revoked_at }) => [
    ...[id, hostname, way, tier],
    [agent_version || '-', ...(behind[id] === undefined ? [] : [`(behind ${behind[id]})`])].join(' '),
    revoked_at === null ? `heard ${last_heard_at ?? 'never'}` : `revoked ${revoked_at}`,
  ]);
  const asking =
    waiting.length === 0 ? [] : ['', `waiting to be let in: ${waiting.length} ('bulkhead sensors waiting')`];
  return [rows.length === 0 ? 'no sensor is in' : columns(rows), ...asking].join('\n');
}

export function waitingText(waiting: readonly Waiting[]): string {
  if (waiting.length === 0) return 'nobody waits';
  return columns(
    waiting.map(({ fingerprint, hostname, address, os_version, since, approved }) => [
      ...[fingerprint, hostname, address, os_version, approved ? 'approved' : `since ${since}`],
    ]),
  );
}

export function sensorText(sensor: Sensor): string {
  return columns(Object.entries(sensor).map(([name, value]) => [name, String(value ?? '-')]));
}

export function codeText({ code, expires_at, ca_sha256 }: NewCode): string {
  return [
    `code       ${code}`,
    `good till  ${expires_at}, for one sensor`,
    `authority  ${ca_sha256} (SHA-256)`,
    '',
    'It is not shown again.',
  ].join('\n');
}

export function programsText({ programs, leftovers }: ProgramFolder): string {
  const rows = programs.map(({ platform, version, size_bytes, sha256 }, index) => [
    ...[platform, version, formatBytes(size_bytes), sha256],
    programs[index - 1]?.platform === platform ? 'kept' : 'offered',
  ]);
  const left = leftovers.map((name) => `damaged: ${name} (removed when a program is added)`);
  return [rows.length === 0 ? 'sensors are offered no program' : columns(rows), ...left].join('\n');
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>(
    (sizes, row) => row.map((cell, index) => Math.max(cell.length, sizes[index] ?? 0)),
    [],
  );
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
