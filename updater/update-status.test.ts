import { expect, test } from 'vitest';
import { selectBoot } from '../partitions/boot-machine.ts';
import { armTrial, commitBoot } from '../partitions/boot-machine-linux.ts';
import { initialState } from '../partitions/boot-state.ts';
import { updateStatus } from './update-status.ts';

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

test('what cannot be known is a failure, never a success', () => {
  expect(updateStatus({ slot: 'A', bootState: null, slots }).state).toBe('failed');
  expect(updateStatus({ slot: null, bootState: committed, slots }).state).toBe('failed');
  expect(updateStatus({ slot: 'B', bootState: committed, slots }).state).toBe('failed');
});
