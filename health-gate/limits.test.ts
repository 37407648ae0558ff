import { expect, test } from 'vitest';
import { BOOT_ATTEMPTS_MAX } from '../partitions/limits.ts';
import { ALL_CHECKS } from './checks/all-checks.ts';
import { LabMachine } from './lab/machine.ts';
import * as limits from './limits.ts';

test('every check may end by itself before the deadline of the gate cuts it', () => {
  const machine = new LabMachine();
  const context = machine.context({ patience_ms: limits.START_PATIENCE_MS });
  for (const check of ALL_CHECKS) {
    expect(check.timeout_ms(context), check.name).toBeGreaterThan(0);
    expect(check.timeout_ms(context), check.name).toBeLessThanOrEqual(limits.GATE_DEADLINE_MS);
  }
  machine.remove();
});

test('every check has a name of its own, and enough of them decide', () => {
  const names = ALL_CHECKS.map((check) => check.name);
  expect(new Set(names).size).toBe(names.length);
  expect(ALL_CHECKS.filter((check) => check.decisive).map((check) => check.name)).toEqual([
    'data-partition',
    'agent-answers',
    'status-answers',
    'site-answers',
    'firewall-loaded',
    'verity-active',
    'disk-space',
    'memory',
    'critical-units',
    'clock',
    'boot-state',
    'update-possible',
  ]);
});

test('three attempts that each use up the whole gate end within a quarter of an hour', () => {
  const worst_ms = limits.GATE_DEADLINE_MS + 2 * limits.WRITE_TIMEOUT_MS + limits.REBOOT_ORDERLY_MS;
  expect(BOOT_ATTEMPTS_MAX * worst_ms).toBeLessThan(15 * 60_000);
});

test('a service of a trial that is restarted once more still has the time to prove itself', () => {
  expect(2 * limits.TRIAL_STEADY_MS).toBeLessThan(limits.START_PATIENCE_MS);
  // And one that hangs from the start is not taken for a steady one (WatchdogSec of compliance-agent.service).
  expect(limits.TRIAL_STEADY_MS).toBeGreaterThan(20_000);
});

test('observing ends before the timer starts the next observation', () => {
  const observing_ms = limits.OBSERVE_PATIENCE_MS + limits.CHECK_TIMEOUT_MS;
  expect(observing_ms).toBeLessThan(5 * 60_000);
});
