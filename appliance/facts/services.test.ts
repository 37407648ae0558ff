import { describe, expect, test } from 'vitest';
import { parseServices } from './services.ts';
import { readListedUnits } from './units.ts';

/** One block as `systemctl show` of systemd 257 prints it, in its own order of properties. */
function block(values: Record<string, string>): string {
  const all = {
    Id: 'x.service',
    Description: 'X',
    LoadState: 'loaded',
    ActiveState: 'active',
    SubState: 'running',
    ...values,
  };
  return Object.entries({ Result: 'success', NRestarts: '0', MemoryCurrent: '[not set]', ...all })
    .map(([name, value]) => `${name}=${value}`)
    .join('\n');
}

const stateOf = (values: Record<string, string>) =>
  parseServices(block(values), [{ unit: 'x.service', critical: true }])[0]?.state;

describe('a unit is shown as', () => {
  test.each([
    ['running', { ActiveState: 'active', SubState: 'running' }],
    ['running', { ActiveState: 'active', SubState: 'listening' }],
    ['running', { ActiveState: 'reloading', SubState: 'reload' }],
    ['done', { ActiveState: 'active', SubState: 'exited' }],
    ['done', { ActiveState: 'inactive', SubState: 'dead', ExecMainExitTimestampMonotonic: '5123456' }],
    ['stopped', { ActiveState: 'inactive', SubState: 'dead', ExecMainExitTimestampMonotonic: '0' }],
    ['stopped', { ActiveState: 'deactivating', SubState: 'stop-sigterm' }],
    ['starting', { ActiveState: 'activating', SubState: 'start' }],
    ['failed', { ActiveState: 'failed', SubState: 'failed', Result: 'exit-code' }],
    ['failed', { ActiveState: 'activating', SubState: 'auto-restart', Result: 'exit-code' }],
    ['stopped', { LoadState: 'not-found', ActiveState: 'inactive', SubState: 'dead' }],
  ] as const)('%s when systemd says %j', (state, values) => {
    expect(stateOf(values)).toBe(state);
  });
});

test('units keep the order asked for, with restarts and memory where systemd counts them', () => {
  const text = [
    block({ Id: 'a.service', Description: 'A = B', NRestarts: '2', MemoryCurrent: '1048576' }),
    block({
      Id: 'b.service',
      LoadState: 'not-found',
      ActiveState: 'inactive',
      SubState: 'dead',
      MemoryCurrent: '18446744073709551615',
    }),
  ].join('\n\n');
  const units = [
    { unit: 'a.service', critical: true },
    { unit: 'b.service', critical: false },
  ];
  expect(parseServices(`${text}\n`, units)).toEqual([
    {
      unit: 'a.service',
      description: 'A = B',
      state: 'running',
      critical: true,
      restarts: 2,
      memory_bytes: 1048576,
    },
    {
      unit: 'b.service',
      description: 'not loaded (not-found)',
      state: 'stopped',
      critical: false,
      restarts: 0,
      memory_bytes: null,
    },
  ]);
});

test('the list of the image is shown first and as critical, the rest after it', () => {
  const units = readListedUnits(
    new URL('../../iso/rootfs/usr/lib/bulkhead/critical-units', import.meta.url).pathname,
  );
  expect(units[0]?.critical).toBe(true);
  expect(units.find(({ unit }) => unit === 'compliance-agent.service')).toEqual({
    unit: 'compliance-agent.service',
    critical: true,
  });
  expect(units.find(({ unit }) => unit === 'systemd-timesyncd.service')?.critical).toBe(false);
  expect(new Set(units.map(({ unit }) => unit)).size).toBe(units.length);
});

test('where no image names units, none are shown', () => {
  expect(readListedUnits('/nonexistent')).toEqual([]);
});
