import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { jsonFile } from '../../updater/state/json-file.ts';
import { concludePending } from '../update/conclude.ts';
import { installCommand } from '../update/install-command.ts';
import { ApplianceLab } from '../update/lab/appliance-lab.ts';
import { PowerAnswer, type PowerRequest, writePowerRequest } from './request.ts';
import { type PowerTools, servePower } from './serve.ts';

/** The helper for what the agent may not do itself, on the lab of the updater. */

let lab: ApplianceLab;
let tools: PowerTools;
beforeEach(async () => {
  lab = new ApplianceLab();
  await lab.install();
  tools = {
    update: lab.tools,
    requestFile: lab.machine.at('run/power-request.json'),
    answer: jsonFile(lab.machine.at('run/power-answer.json'), PowerAnswer, 'the answer'),
  };
});
afterEach(() => lab.remove());

const NAME = '0199a7c0-0000-7000-8000-000000000001/1';
const request = (changed: Partial<PowerRequest> = {}): PowerRequest => ({
  ...{ format: 1, order: NAME, action: 'rollback', to_version: null, at_once: true, reason: 'bad\nrelease' },
  ...changed,
});
const ask = (changed: Partial<PowerRequest> = {}) => {
  writePowerRequest(tools.requestFile, request(changed));
  return servePower(tools);
};
const answer = () => tools.answer.read();
const refused = (code: string) => expect.objectContaining({ code });

async function updated(): Promise<void> {
  await installCommand(lab.tools, lab.io, [await lab.release('1.1.0')], {});
  await lab.boot();
  await lab.judge('healthy');
  await concludePending(lab.tools);
}

test('a reboot that was asked for is made, and answered', async () => {
  const { message } = await ask({ action: 'reboot' });
  expect(message).toBe('rebooting; asked for because: bad release');
  expect(lab.rebooted).toBe(true);
  expect(answer()).toMatchObject({ value: { order: NAME, outcome: 'done', code: null } });
  expect(existsSync(tools.requestFile)).toBe(false);
  expect(await servePower(tools)).toEqual({ message: 'nothing was asked for' });
});

describe('a return to the slot before', () => {
  test('carries its order to the history', async () => {
    await updated();
    await ask({ to_version: '1.0.0' });
    expect(lab.rebooted).toBe(true);
    await lab.boot();
    await lab.judge('healthy');
    await concludePending(lab.tools);
    expect(lab.history.at(-1)).toMatchObject({ outcome: 'succeeded', version: '1.0.0', order: NAME });
  });

  test('waits for the window unless it is to be at once', async () => {
    await updated();
    lab.configure("update:\n  window: { start: '02:00', end: '04:00', days: [sun] }\n");
    lab.clockSynchronised();
    await ask({ at_once: false });
    expect(lab.rebooted).toBe(false);
    expect(lab.tools.pending.read()).toMatchObject({ value: { rollback: true, reboot: 'window' } });
    await ask();
    expect(lab.rebooted).toBe(true);
  });

  test('that would lead elsewhere, or nowhere, is refused with the reason', async () => {
    await expect(ask()).rejects.toEqual(refused('BOOT_NO_SLOT_TO_ROLL_BACK_TO'));
    expect(answer()).toMatchObject({ value: { outcome: 'failed', code: 'BOOT_NO_SLOT_TO_ROLL_BACK_TO' } });
    await updated();
    const before = lab.state;
    await expect(ask({ to_version: '0.9.0' })).rejects.toEqual(refused('UPDATE_RETURN_ELSEWHERE'));
    expect(lab.state).toEqual(before);
  });

  test('out of a trial gives it up and leaves it at once', async () => {
    await installCommand(lab.tools, lab.io, [await lab.release('1.1.0')], {});
    await lab.boot();
    lab.configure("update:\n  window: { start: '02:00', end: '04:00', days: [sun] }\n");
    await ask({ at_once: false });
    expect(lab.rebooted).toBe(true);
    await lab.boot();
    expect(lab.running).toBe('A');
  });
});

test.each([
  ['something else', '{"action":"shell"}'],
  ['no JSON', '{'],
  ['another action', JSON.stringify({ ...request(), action: 'poweroff' })],
  ['a field more', JSON.stringify({ ...request(), command: 'sh' })],
])('a request with %s is refused, gone, and nothing is done', async (_, text) => {
  writeFileSync(tools.requestFile, text);
  await expect(servePower(tools)).rejects.toEqual(refused('POWER_REQUEST_INVALID'));
  expect(existsSync(tools.requestFile)).toBe(false);
  expect([lab.rebooted, answer().condition]).toEqual([false, 'missing']);
});

test('a link in the place of a request is not followed', async () => {
  const secret = lab.machine.at('run/secret.json');
  writePowerRequest(secret, request({ action: 'reboot' }));
  symlinkSync(secret, tools.requestFile);
  await expect(servePower(tools)).rejects.toEqual(refused('POWER_REQUEST_INVALID'));
  expect([existsSync(secret), lab.rebooted]).toEqual([true, false]);
});
