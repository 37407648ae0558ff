import { type Run, runOrThrow } from '../../base/run.ts';
import type { ServiceStatus } from '../../status-page/status.ts';
import { BUS_TIMEOUT_MS } from './limits.ts';

const PROPERTIES = [
  'Id',
  'Description',
  'LoadState',
  'ActiveState',
  'SubState',
  'Result',
  'NRestarts',
  'MemoryCurrent',
  'ExecMainExitTimestampMonotonic',
];

/** A unit that the page lists. */
export interface ListedUnit {
  unit: string;
  critical: boolean;
}

/**
 * States of all listed units by one `systemctl show`, which an unprivileged user may do over D-Bus. One process that ends
 * after tens of milliseconds; asked no more often than SERVICES_REFRESH_MS.
 *
 * @throws BulkheadError COMMAND_FAILED or COMMAND_NOT_FOUND where there is no systemd or no bus
 */
export async function askServices(run: Run, units: readonly ListedUnit[]): Promise<ServiceStatus[]> {
  if (units.length === 0) return [];
  const names = units.map(({ unit }) => unit);
  const text = await runOrThrow(run, 'systemctl', ['show', '-p', PROPERTIES.join(','), '--', ...names], {
    timeout_ms: BUS_TIMEOUT_MS,
  });
  return parseServices(text, units);
}

/** `Name=value` lines, one block per unit in the order asked for, an empty line between the blocks. */
export function parseServices(text: string, units: readonly ListedUnit[]): ServiceStatus[] {
  const blocks = text.trim().split(/\n\s*\n/);
  return units.flatMap(({ unit, critical }, index) => {
    const block = blocks[index];
    if (!block) return [];
    const values = new Map<string, string>();
    for (const line of block.split('\n')) {
      const at = line.indexOf('=');
      if (at > 0) values.set(line.slice(0, at), line.slice(at + 1));
    }
    const loaded = values.get('LoadState') === 'loaded';
    return [
      {
        unit,
        description: loaded
          ? (values.get('Description') ?? unit)
          : `not loaded (${values.get('LoadState') ?? 'not known'})`,
        state: serviceState(values),
        critical,
        restarts: toCount(values.get('NRestarts')),
        memory_bytes: toCount(values.get('MemoryCurrent')),
      },
    ];
  });
}

/** The states of systemd (org.freedesktop.systemd1(5)) in the five words of the page. */
function serviceState(values: ReadonlyMap<string, string>): ServiceStatus['state'] {
  const active = values.get('ActiveState');
  const sub = values.get('SubState') ?? '';
  if (active === 'failed' || sub.startsWith('auto-restart')) return 'failed';
  if (active === 'active' || active === 'reloading' || active === 'refreshing')
    return sub === 'exited' ? 'done' : 'running';
  if (active === 'activating') return 'starting';
  // A one-shot that ended well is inactive like one that never ran; only its exit time tells them apart.
  const ended = (toCount(values.get('ExecMainExitTimestampMonotonic')) ?? 0) > 0;
  return active === 'inactive' && ended && values.get('Result') === 'success' ? 'done' : 'stopped';
}

/** A number; null for an empty value, `[not set]` and the largest 64-bit number, all of which mean "not counted". */
function toCount(text: string | undefined): number | null {
  if (text === undefined || !/^\d+$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}
