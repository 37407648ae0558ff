import { afterEach, beforeEach, expect, test } from 'vitest';
import { observeBoot } from './gate.ts';
import { LabMachine, manifest } from './lab/machine.ts';
import { prepareGate } from './setup.ts';

let machine: LabMachine;
beforeEach(async () => {
  machine = new LabMachine();
  machine.makeSlot('A', manifest('1.2.3'));
  machine.makeSlot('B', null);
  await machine.makeEsp({ active: 'A', trial: null, attempts: 1, good: { A: true, B: false }, failed: null });
  machine.boots('A');
});
afterEach(() => machine.remove());

const options = {
  patience_ms: 0,
  liveFirewall: null,
  coordinatorUrl: null,
  coordinatorCa: null,
  readStatus: () => ({ problem: 'nobody reads here' }),
  askSite: async () => ({ state: 'silent', reason: 'nobody asks here' }) as const,
  loadUpdateKeys: () => 'key set 1 of the image',
  userId: 0,
  log: () => undefined,
};

test('the whole gate, with every real check, answers for each of them where nothing is as it should be', async () => {
  const setup = await prepareGate(options, machine.paths);
  expect(setup.version).toBe('1.2.3');
  const { verdict } = await observeBoot(setup);
  const outcomes = Object.fromEntries(verdict.checks.map(({ name, outcome }) => [name, outcome]));
  expect(verdict.outcome).toBe('unhealthy');
  // What this build machine cannot have fails; what the folder has passes.
  expect(outcomes).toMatchObject({
    'data-partition': 'fail',
    'firewall-loaded': 'fail',
    'verity-active': 'fail',
    'critical-units': 'fail',
    clock: 'pass',
    'boot-state': 'pass',
    'status-answers': 'skipped',
    'site-answers': 'skipped',
    'update-possible': 'pass',
    'slot-contradiction': 'pass',
    coordinator: 'skipped',
  });
  expect(verdict.checks).toHaveLength(setup.checks.length);
  for (const { name, message } of verdict.checks) expect(message, name).not.toBe('');
});

test('nobody but root judges', async () => {
  for (const userId of [1000, undefined]) {
    await expect(prepareGate({ ...options, userId }, machine.paths)).rejects.toMatchObject({
      code: 'GATE_NOT_ROOT',
    });
  }
});
