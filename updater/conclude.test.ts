import { describe, expect, test } from 'vitest';
import { selectBoot } from '../partitions/boot-machine.ts';
import { armTrial, commitBoot, disarm, discardSlot, rollBack } from '../partitions/boot-machine-linux.ts';
import { type BootState, initialState } from '../partitions/boot-state.ts';
import { concludeUpdate, type TrialFacts } from './conclude.ts';
import type { PendingUpdate } from './state/records.ts';

const PENDING: PendingUpdate = {
  format: 1,
  version: '1.3.0',
  slot: 'B',
  root_hash: 'b'.repeat(64),
  bundle: 'd'.repeat(64),
  from: { slot: 'A', version: '1.2.0', root_hash: 'a'.repeat(64) },
  method: 'delta',
  fetched_bytes: 2_000,
  written_at: '2026-11-21T10:00:00.000Z',
  boot_id: 'arming',
  reboot: 'now',
  rollback: false,
};
const ON = { canSave: true, whole: { A: true, B: true } };
const COMMITTED = commitBoot(initialState('A'), 'A');
const A = { slot: 'A' as const, version: '1.2.0', root_hash: 'a'.repeat(64) };
const B = { slot: 'B' as const, version: '1.3.0', root_hash: 'b'.repeat(64) };
const facts = (
  bootState: BootState,
  running: TrialFacts['running'],
  more: Partial<TrialFacts> = {},
): TrialFacts => ({
  pending: PENDING,
  running,
  bootState,
  bootId: 'arming',
  verdicts: [],
  boots: [],
  now: new Date('2026-11-21T10:10:00Z'),
  ...more,
});

/** The state after as many boots as GRUB gives, none of which is committed. */
function afterBoots(state: BootState, boots: number): BootState {
  return Array.from({ length: boots }).reduce<BootState>((now) => selectBoot(now, ON).next ?? now, state);
}

describe('after an update', () => {
  const armed = armTrial(discardSlot(COMMITTED, 'B', 'A'), 'B', 'A');

  test('that waits for its first boot, nothing is decided', () => {
    expect(concludeUpdate(facts(armed, A))).toEqual({ kind: 'waiting' });
  });

  test.each([1, 2, 3])('nothing is decided in boot %i of its trial', (boot) => {
    expect(concludeUpdate(facts(afterBoots(armed, boot), B))).toEqual({ kind: 'waiting' });
  });

  test('that was committed, it succeeded', () => {
    const conclusion = concludeUpdate(facts(commitBoot(afterBoots(armed, 2), 'B'), B));
    expect(conclusion).toMatchObject({
      kind: 'ended',
      entry: { outcome: 'succeeded', version: '1.3.0' },
      rejected: null,
    });
  });

  test('whose three boots failed, it was rolled back and is not tried again', () => {
    expect(concludeUpdate(facts(afterBoots(armed, 4), A))).toMatchObject({
      kind: 'ended',
      entry: {
        outcome: 'rolled_back',
        reason: 'no boot of it reached the health gate: it panicked, hung, or was damaged',
        console_tail: [],
      },
      rejected: { version: '1.3.0', root_hash: 'b'.repeat(64) },
    });
  });

  test('that an operator went back from while it was on trial, that is the reason', () => {
    const conclusion = concludeUpdate(facts(rollBack(afterBoots(armed, 1), 'B'), B));
    expect(conclusion).toMatchObject({
      entry: { outcome: 'rolled_back', reason: 'an operator went back from it' },
      rejected: { version: '1.3.0' },
    });
    // The other slot runs already when it is looked at: the record says who ended the trial.
    const later = facts(afterBoots(rollBack(afterBoots(armed, 1), 'B'), 1), A);
    expect(concludeUpdate({ ...later, pending: { ...PENDING, withdrawn: true } })).toEqual(conclusion);
  });

  test('that left logs of its boots, each is named and the last one is kept', () => {
    const boots = [
      { attempt: 1, ending: 'ended in a panic', lines: ['first'] },
      {
        ...{ attempt: 2, ending: 'stopped: it hung or was reset' },
        lines: Array.from({ length: 300 }, (_, line) => `line ${line}`),
      },
    ];
    const conclusion = concludeUpdate(facts(afterBoots(armed, 4), A, { boots }));
    if (conclusion.kind !== 'ended') throw new Error(conclusion.kind);
    expect(conclusion.entry.reason).toBe(
      'no boot of it reached the health gate: attempt 1 ended in a panic, attempt 2 stopped: it hung or was reset',
    );
    expect([conclusion.entry.console_tail.length, conclusion.entry.console_tail.at(-1)]).toEqual([
      120,
      'line 299',
    ]);
  });

  test('that was committed in the end, no log of an attempt before is kept as the reason', () => {
    const boots = [{ attempt: 1, ending: 'ended in a panic', lines: ['first'] }];
    const conclusion = concludeUpdate(facts(commitBoot(afterBoots(armed, 2), 'B'), B, { boots }));
    expect(conclusion).toMatchObject({ entry: { outcome: 'succeeded', console_tail: [] } });
  });

  test('the last word of the gate on that trial is the reason, and no other word', () => {
    const say = (bootId: string, slot: 'A' | 'B', version: string, reason: string) => ({
      bootId,
      slot,
      version,
      outcome: 'unhealthy' as const,
      reason,
    });
    const verdicts = [
      say('long-ago', 'B', '1.3.0', 'an earlier trial'),
      say('arming', 'A', '1.2.0', 'of the boot that armed it'),
      say('trial-1', 'B', '1.3.0', 'agent: does not answer'),
      say('trial-2', 'B', '1.3.0', 'firewall: not loaded'),
      say('after', 'A', '1.2.0', 'something else'),
    ];
    const conclusion = concludeUpdate(facts(afterBoots(armed, 4), A, { verdicts }));
    expect(conclusion).toMatchObject({
      entry: { reason: 'the health gate refused it: firewall: not loaded' },
    });
  });

  test('whose power was cut before it was armed, it is armed', () => {
    expect(concludeUpdate(facts(discardSlot(COMMITTED, 'B', 'A'), A))).toEqual({ kind: 'arm' });
  });

  test('that the loader passes over because it cannot count, it is taken back instead of being waited for', () => {
    const passedOver = commitBoot(armed, 'A');
    expect(concludeUpdate(facts(passedOver, A))).toEqual({ kind: 'waiting' });
    expect(concludeUpdate(facts(passedOver, A, { bootId: 'next' }))).toMatchObject({
      kind: 'ended',
      entry: { outcome: 'failed', reason: expect.stringContaining('could not save the count') },
      rejected: null,
      disarm: true,
    });
    const { boot_id: _, ...old } = PENDING;
    expect(concludeUpdate(facts(passedOver, A, { bootId: 'next', pending: old }))).toEqual({
      kind: 'waiting',
    });
  });

  test('that an operator took back, it is cancelled, armed or not any more', () => {
    const pending = { ...PENDING, withdrawn: true };
    const cancelled = { kind: 'ended', entry: { outcome: 'cancelled' }, rejected: null };
    expect(concludeUpdate(facts(armed, A, { pending }))).toMatchObject({ ...cancelled, disarm: true });
    expect(concludeUpdate(facts(disarm(armed, 'A'), A, { pending }))).toMatchObject({
      ...cancelled,
      disarm: false,
    });
    // The power was cut before it was disarmed: it runs, and the gate decides.
    expect(concludeUpdate(facts(afterBoots(armed, 1), B, { pending }))).toEqual({ kind: 'waiting' });
  });

  test('into a slot that had failed before, a cut before arming is not taken for a failure of the new release', () => {
    const before = { ...COMMITTED, failed: 'B' as const };
    expect(concludeUpdate(facts(discardSlot(before, 'B', 'A'), A))).toEqual({ kind: 'arm' });
  });
});

describe('after a roll-back that an operator wanted', () => {
  const rollback: PendingUpdate = {
    ...PENDING,
    slot: 'A',
    version: '1.2.0',
    root_hash: A.root_hash,
    from: B,
    rollback: true,
  };
  const committedB: BootState = { ...commitBoot(COMMITTED, 'B'), active: 'B', good: { A: true, B: true } };

  test('the release that was left is not installed again by itself', () => {
    const state = commitBoot(afterBoots(rollBack(committedB, 'B'), 1), 'A');
    const conclusion = concludeUpdate(facts(state, A, { pending: rollback }));
    expect(conclusion).toMatchObject({
      entry: { outcome: 'succeeded', version: '1.2.0', from_version: '1.3.0' },
      rejected: { version: '1.3.0', root_hash: B.root_hash },
    });
  });

  test('that failed, the old release is not held against it', () => {
    const state = afterBoots(rollBack(committedB, 'B'), 4);
    const conclusion = concludeUpdate(facts(state, B, { pending: rollback }));
    expect(conclusion).toMatchObject({ entry: { outcome: 'rolled_back' }, rejected: null });
  });
});
