import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { CapabilityTier } from '../../../../protocol/healing/tier.ts';
import { makeFolder } from '../../../../test/unit/make-folder.ts';
import type { HealCommand } from '../../commands/commands.ts';
import { admitCommand, Healer, type SensorActions } from './heal-command.ts';
import { HealJournal } from './heal-journal.ts';
import { openSensorStore } from './sensor-store.ts';

function command(changed: Partial<HealCommand> = {}): HealCommand {
  return {
    command_id: 'c1',
    check_type: 'ssh',
    action: 'restart_time_sync',
    params: {},
    timeout_s: 5,
    ...changed,
  };
}

/** A sensor on Linux that can do these. */
function can(act: SensorActions['act']): SensorActions {
  return { platform: 'linux', act };
}

function open(
  actions: SensorActions,
  tier: CapabilityTier = 'self_heal',
  path = join(makeFolder('heal'), 's.db'),
) {
  const store = openSensorStore(path, () => undefined);
  const journal = new HealJournal(store, 7);
  const acted: [string, boolean][] = [];
  const healer = new Healer({
    ...{ store, journal, actions, tier: () => tier, now_s: () => 100 },
    acted: ({ command_id }, success) => acted.push([command_id, success]),
  });
  return { store, journal, healer, acted, path };
}

test.each([
  ['monitor_only', 'restart_time_sync', {}, 'only watches'],
  ['self_heal', 'restart_time_sync', {}, null],
  ['self_heal', 'lock_account', { user: 'eve' }, 'needs the tier full_remediation'],
  ['full_remediation', 'lock_account', { user: 'eve' }, null],
  ['full_remediation', 'restart_time_sync', {}, null],
  ['full_remediation', 'lock_account', { user: 'eve; rm -rf /' }, 'HEALING_ACTION_PARAMETERS'],
  ['full_remediation', 'lock_account', {}, 'user is missing'],
  ['full_remediation', 'enable_firewall', {}, 'is not something that this sensor does'],
  ['full_remediation', 'enable_defender', {}, 'HEALING_ACTION_PLATFORM'],
  ['full_remediation', 'apply_firewall', {}, 'HEALING_ACTION_PLATFORM'],
  ['full_remediation', 'format_disk', {}, "there is no action 'format_disk'"],
  ['full_remediation', '__proto__', {}, 'there is no action'],
] as [CapabilityTier, string, Record<string, string>, string | null][])(
  'a sensor of tier %s asked for %s with %j: %s',
  (tier, action, params, refused) => {
    const done = async () => 'done';
    const answer = admitCommand(
      { action, params },
      tier,
      can({ restart_time_sync: done, lock_account: done }),
    );
    if (refused === null) expect(answer).toEqual({ run: expect.any(Function) });
    else expect(answer).toEqual({ refused: expect.stringContaining(refused) });
  },
);

test('a command is carried out once, however often it comes, and its result is told until it has arrived', async () => {
  let times = 0;
  const { healer, journal, store, acted } = open(can({ restart_time_sync: async () => `time ${++times}` }));
  await Promise.all([
    healer.take(command()),
    healer.take(command()),
    healer.take(command({ command_id: 'c2' })),
  ]);
  expect(times).toBe(2);
  expect(acted).toEqual([
    ['c1', true],
    ['c2', true],
  ]);
  expect(journal.untold()).toMatchObject([
    {
      command_id: 'c1',
      check_type: 'ssh',
      success: true,
      error_message: '',
      at_s: 100,
      artifacts: { output: 'time 1' },
    },
    { command_id: 'c2', artifacts: { output: 'time 2' } },
  ]);
  journal.told('c1');
  expect(journal.untold()).toHaveLength(1);
  // It comes again: the answer got lost on its way, so it is told again and not done again.
  await healer.take(command());
  expect(journal.untold()).toHaveLength(2);
  expect(times).toBe(2);
  store.close();
});

test('what fails, takes too long or is refused says so', async () => {
  const { healer, journal, store, acted } = open(
    can({
      restart_time_sync: () => Promise.reject(new Error('unit not found')),
      start_service: (_, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    }),
  );
  await healer.take(command());
  await healer.take(
    command({ command_id: 'c2', action: 'start_service', params: { service: 'ssh' }, timeout_s: 0.05 }),
  );
  await healer.take(command({ command_id: 'c3', action: 'start_service' }));
  expect(journal.untold().map(({ success, error_message }) => [success, error_message])).toEqual([
    [false, 'unit not found'],
    [false, expect.stringMatching(/timed out/)],
    [false, 'HEALING_ACTION_PARAMETERS: start_service: service is missing'],
  ]);
  expect(acted).toEqual([
    ['c1', false],
    ['c2', false],
  ]);
  store.close();
});

test('a command that was under way when the process died is not repeated, and its end is told', async () => {
  let times = 0;
  const first = open(can({}));
  expect(first.journal.begin(command(), 1)).toBe(true);
  first.store.close();
  const { healer, journal, store } = open(
    can({ restart_time_sync: async () => `${++times}` }),
    'self_heal',
    first.path,
  );
  await healer.take(command());
  expect(times).toBe(0);
  expect(journal.untold()).toEqual([
    expect.objectContaining({
      command_id: 'c1',
      success: false,
      at_s: 7,
      error_message: expect.stringContaining('not done a second time'),
    }),
  ]);
  store.close();
});

test('nothing is carried out where it cannot be written down', async () => {
  let times = 0;
  const { healer, journal, store } = open(
    can({ restart_time_sync: async () => `${++times}` }),
    'self_heal',
    makeFolder('heal'),
  );
  await healer.take(command());
  expect(times).toBe(0);
  expect(journal.untold()[0]?.error_message).toContain('so that it is not done twice');
  store.close();
});
