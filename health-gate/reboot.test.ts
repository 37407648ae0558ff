import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BulkheadError } from '../base/errors.ts';
import type { Run } from '../base/run.ts';
import { LabMachine } from './lab/machine.ts';
import { type RebootMeans, rebootForSure } from './reboot.ts';

let machine: LabMachine;
beforeEach(() => {
  machine = new LabMachine();
});
afterEach(() => machine.remove());

/** What was done, in order. The files of sysrq are real files here, so the letters can be read back. */
async function rebootWith(answer: Run): Promise<string[]> {
  const done: string[] = [];
  const mask = machine.write('proc/sys/kernel/sysrq', '438');
  const trigger = machine.write('proc/sysrq-trigger', '');
  const means: RebootMeans = {
    run: async (program, args, options) => {
      done.push([program, ...args].join(' '));
      return answer(program, args, options);
    },
    sleep: async (duration_ms) => {
      const pressed = readFileSync(trigger, 'utf8');
      done.push(`wait ${duration_ms / 1000} s${pressed ? ` after ${pressed}` : ''}`);
    },
    sysrqMaskFile: mask,
    sysrqTriggerFile: trigger,
    log: () => undefined,
  };
  await rebootForSure(means);
  done.push(`mask ${readFileSync(mask, 'utf8')}, last key ${readFileSync(trigger, 'utf8')}`);
  return done;
}

test('a systemd that takes the order but never finishes is forced, then passed over', async () => {
  expect(await rebootWith(async () => ({ code: 0, stdout: '', stderr: '' }))).toEqual([
    'systemctl reboot --no-block',
    'wait 90 s',
    'systemctl reboot --force --no-block',
    'wait 20 s',
    'wait 2 s after s',
    'wait 2 s after u',
    'mask 1, last key b',
  ]);
});

test('a systemd that is stuck or gone costs no waiting', async () => {
  const stuck: Run = () => Promise.reject(new BulkheadError('COMMAND_TIMEOUT', 'was still running'));
  const expected = [
    'systemctl reboot --no-block',
    'systemctl reboot --force --no-block',
    'wait 2 s after s',
    'wait 2 s after u',
    'mask 1, last key b',
  ];
  expect(await rebootWith(stuck)).toEqual(expected);
  expect(await rebootWith(async () => ({ code: 1, stdout: '', stderr: 'no bus' }))).toEqual(expected);
});
