import { describe, expect, test } from 'vitest';
import { selectBoot } from '../partitions/boot-machine.ts';
import { armTrial, commitBoot, rollBack } from '../partitions/boot-machine-linux.ts';
import { initialState } from '../partitions/boot-state.ts';
import type { UpdateProgress } from './state/records.ts';
import { believeProgress, reportUpdate, type UpdateRecords, updateStatus } from './update-status.ts';

const slots = [
  { slot: 'A', version: '1.0.0' },
  { slot: 'B', version: '1.1.0' },
] as const;
const conditions = { canSave: true, whole: { A: true, B: true } };
const committed = commitBoot(initialState('A'), 'A');

test('a fresh installation has nothing pending', () => {
  expect(updateStatus({ slot: 'A', bootState: committed, slots })).toMatchObject({
    state: 'succeeded',
    pending: null,
    givenUp: null,
    running: { slot: 'A', version: '1.0.0' },
  });
});

test('an armed slot waits, its first boot is verified, its commit succeeds', () => {
  const armed = armTrial(committed, 'B', 'A');
  expect(updateStatus({ slot: 'A', bootState: armed, slots })).toMatchObject({
    state: 'rebooting',
    pending: { slot: 'B', version: '1.1.0' },
  });
  const { next } = selectBoot(armed, conditions);
  expect(updateStatus({ slot: 'B', bootState: next ?? null, slots }).state).toBe('verifying');
  const done = commitBoot(next ?? armed, 'B');
  expect(updateStatus({ slot: 'B', bootState: done, slots }).state).toBe('succeeded');
});

test('a trial that used up its boots is told as rolled back, with the version that was given up', () => {
  let state = armTrial(committed, 'B', 'A');
  for (let boot = 0; boot < 4; boot++) state = selectBoot(state, conditions).next ?? state;
  expect(updateStatus({ slot: 'A', bootState: state, slots })).toMatchObject({
    state: 'rolled_back',
    givenUp: { slot: 'B', version: '1.1.0' },
    message: 'slot B (1.1.0) was given up, slot A (1.0.0) runs',
  });
});

test('a trial that an operator gave up and that still runs waits to be left', () => {
  const given = rollBack({ ...armTrial(committed, 'B', 'A'), attempts: 1 }, 'B');
  expect(updateStatus({ slot: 'B', bootState: given, slots })).toMatchObject({
    state: 'rebooting',
    message: 'slot B (1.1.0) was given up; the next boot takes slot A (1.0.0)',
  });
});

test('what cannot be known is a failure, never a success', () => {
  expect(updateStatus({ slot: 'A', bootState: null, slots }).state).toBe('failed');
  expect(updateStatus({ slot: null, bootState: committed, slots }).state).toBe('failed');
  expect(updateStatus({ slot: 'B', bootState: committed, slots }).state).toBe('failed');
});

describe('the one state that is reported', () => {
  const SEEN = '2026-11-21T12:00:00.000Z';
  const BEFORE = '2026-11-21T11:00:00.000Z';
  const AFTER = '2026-11-21T13:00:00.000Z';
  const settled = updateStatus({ slot: 'A', bootState: committed, slots });
  const armed = updateStatus({ slot: 'A', bootState: armTrial(committed, 'B', 'A'), slots });
  const nothing: UpdateRecords = { progress: null, pending: null, seenAt: SEEN };
  const progress = (state: 'downloading' | 'ready' | 'failed', updated_at = SEEN) => ({
    state,
    message: `it is ${state}`,
    updated_at,
  });
  const pending = (reboot: 'no' | 'now' | 'window', written_at = BEFORE): UpdateRecords['pending'] => ({
    version: '1.1.0',
    slot: 'B',
    from: { slot: 'A', version: '1.0.0', root_hash: 'a'.repeat(64) },
    reboot,
    written_at,
  });

  test('is what the slots say where nothing else is known', () => {
    expect(reportUpdate(settled, nothing)).toEqual({ state: 'succeeded', message: settled.message });
  });

  test('is a transfer that runs or failed, whatever the slots look like meanwhile', () => {
    for (const state of ['downloading', 'failed'] as const) {
      expect(reportUpdate(settled, { ...nothing, progress: progress(state) })).toEqual({
        state,
        message: `it is ${state}`,
      });
    }
    expect(reportUpdate(settled, { ...nothing, progress: progress('ready') }).state).toBe('succeeded');
  });

  test('is a return to the slot before, when that was wanted after the transfer failed', () => {
    const records = { ...nothing, progress: progress('failed', BEFORE), pending: pending('no', SEEN) };
    expect(reportUpdate(armed, records).state).toBe('ready');
    expect(reportUpdate(armed, { ...records, progress: progress('failed', AFTER) }).state).toBe('failed');
  });

  test('of an armed slot is ready until somebody reboots, and rebooting when that was asked for', () => {
    expect(reportUpdate(armed, { ...nothing, pending: pending('no') }).state).toBe('ready');
    expect(reportUpdate(armed, { ...nothing, pending: pending('window') }).state).toBe('ready');
    expect(reportUpdate(armed, { ...nothing, pending: pending('now') }).state).toBe('rebooting');
    expect(reportUpdate(armed, nothing).state).toBe('ready');
  });

  test('knows of a slot that was armed after the boot state was looked at', () => {
    const late = { ...nothing, pending: pending('window', AFTER) };
    expect(reportUpdate(settled, late)).toEqual({ state: 'ready', message: armed.message });
    expect(reportUpdate(settled, { ...nothing, pending: pending('now', AFTER) }).state).toBe('rebooting');
    // Looked at after that and still not armed: the power was cut in between, and the slots are right.
    expect(reportUpdate(settled, { ...nothing, pending: pending('now', BEFORE) }).state).toBe('succeeded');
    // Runs already: nothing waits.
    const there = updateStatus({ slot: 'B', bootState: commitBoot(committed, 'B'), slots });
    expect(reportUpdate(there, late).state).toBe(there.state);
  });
});

describe('the progress of an update', () => {
  const at = '2026-11-21T10:00:00.000Z';
  const running: UpdateProgress = {
    ...{ format: 1, state: 'downloading', phase: 'transfer', version: '1.3.0', slot: 'B', method: 'full' },
    ...{
      done_bytes: 1,
      total_bytes: 2,
      fetched_bytes: 1,
      fetch_total_bytes: 2,
      started_at: at,
      updated_at: at,
    },
    ...{ message: 'writing 1.3.0: 50 %', code: null },
  };

  test('is believed while its writer shows signs of life', () => {
    expect(believeProgress(running, new Date('2026-11-21T10:00:59Z'))).toBe(running);
  });

  test.each(['2026-11-21T10:01:01Z', '2026-11-21T09:00:00Z'])(
    'of a process that was killed is an interrupted one, whatever the clock did meanwhile (%s)',
    (now) => {
      expect(believeProgress(running, new Date(now))).toMatchObject({
        ...{ state: 'failed', code: 'UPDATE_INTERRUPTED' },
        message: 'installing 1.3.0 was interrupted; asked for again, it goes on where it was',
      });
    },
  );

  test('that has ended needs no sign of life', () => {
    const ready: UpdateProgress = { ...running, state: 'ready' };
    expect(believeProgress(ready, new Date('2026-12-21T10:00:00Z'))).toBe(ready);
  });
});
