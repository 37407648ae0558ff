import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Run } from '../../../../base/run.ts';
import { makeFolder } from '../../../../test/unit/make-folder.ts';
import { jsonFile } from '../../../../updater/state/json-file.ts';
import { exampleDetection } from '../../../findings/lab/detections.ts';
import { ACTION_NAMES, actionFacts, RESTARTABLE_UNITS } from '../../actions.ts';
import { applianceTarget } from './appliance-target.ts';
import { HealAnswer, writeHealRequest } from './request.ts';
import { type HealTools, serveHealing } from './serve.ts';

const HEALING = `h-${'a'.repeat(32)}`;

let folder: string;
let tools: HealTools;
let ran: string[][];
let runs: Run;
beforeEach(() => {
  folder = makeFolder('heal-request');
  ran = [];
  runs = async () => ({ code: 0, stdout: '', stderr: '' });
  tools = {
    run: (program, args, options) => {
      ran.push([program, ...args]);
      return runs(program, args, options);
    },
    requestFile: join(folder, 'request.json'),
    answer: jsonFile(join(folder, 'answer.json'), HealAnswer, 'the answer'),
  };
});
const request = (changed: Record<string, unknown> = {}) => ({
  ...{ format: 1, healing: HEALING, action: 'apply_firewall', params: {} },
  ...changed,
});
const ask = (changed: Record<string, unknown> = {}) => {
  writeFileSync(tools.requestFile, JSON.stringify(request(changed)));
  return serveHealing(tools);
};

describe('what root does when it is asked', () => {
  test.each([
    ['apply_firewall', {}, ['systemctl', 'reload-or-restart', 'bulkhead-firewall.service']],
    ['restart_time_sync', {}, ['systemctl', 'restart', 'systemd-timesyncd.service']],
    [
      'restart_unit',
      { unit: 'systemd-resolved.service' },
      ['systemctl', 'restart', 'systemd-resolved.service'],
    ],
  ])('%s is one program with fixed words', async (action, params, command) => {
    await ask({ action, params });
    expect(ran).toEqual([command]);
    expect(tools.answer.read()).toMatchObject({ value: { healing: HEALING, outcome: 'done' } });
    expect(existsSync(tools.requestFile)).toBe(false);
    expect(await serveHealing(tools)).toEqual({ message: 'nothing was asked for' });
  });

  test('is every action that the list has for the appliance', async () => {
    for (const action of ACTION_NAMES.filter((name) => actionFacts(name).platforms.includes('appliance')))
      await ask({ action, params: action === 'restart_unit' ? { unit: RESTARTABLE_UNITS[0] } : {} });
    expect(ran).toHaveLength(3);
  });

  test('that fails is answered with its words', async () => {
    runs = async () => ({ code: 1, stdout: '', stderr: 'Unit not found.' });
    await expect(ask()).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
    expect(tools.answer.read()).toMatchObject({
      value: { outcome: 'failed', code: 'COMMAND_FAILED', message: expect.stringMatching(/Unit not found/) },
    });
  });
});

describe('a request', () => {
  test.each<[string, unknown]>([
    ['no JSON', '{'],
    ['another action', request({ action: 'shell' })],
    ['an action for other machines', request({ action: 'start_service', params: { service: 'ufw' } })],
    ['a unit of its own', request({ action: 'restart_unit', params: { unit: 'evil.service' } })],
    ['a unit and an option', request({ action: 'restart_unit', params: { unit: '--force' } })],
    ['no unit', request({ action: 'restart_unit' })],
    ['a field more', request({ command: 'sh' })],
    ['a value more', request({ params: { path: '/etc/shadow' } })],
    [
      'a value that is no text',
      request({ action: 'restart_unit', params: { unit: ['systemd-resolved.service'] } }),
    ],
    ['another name', request({ healing: '../../etc' })],
    ['too much', request({ action: 'x'.repeat(9000) })],
    ['a prototype', '{"format":1,"healing":"h-aa","action":"apply_firewall","params":{"__proto__":"x"}}'],
  ])('with %s is refused, gone, and nothing is done', async (_, content) => {
    writeFileSync(tools.requestFile, typeof content === 'string' ? content : JSON.stringify(content));
    await expect(serveHealing(tools)).rejects.toMatchObject({ code: expect.stringMatching(/^HEALING_/) });
    expect([ran, existsSync(tools.requestFile), tools.answer.read().condition]).toEqual([
      [],
      false,
      'missing',
    ]);
  });

  test('that is a link or a folder is not followed', async () => {
    const secret = join(folder, 'secret.json');
    writeFileSync(secret, JSON.stringify(request()));
    symlinkSync(secret, tools.requestFile);
    await expect(serveHealing(tools)).rejects.toMatchObject({ code: 'HEALING_REQUEST_INVALID' });
    expect(existsSync(secret)).toBe(true);
    mkdirSync(join(tools.requestFile, 'deep'), { recursive: true });
    await expect(serveHealing(tools)).rejects.toMatchObject({ code: 'HEALING_REQUEST_INVALID' });
    expect([ran, existsSync(tools.requestFile)]).toEqual([[], false]);
  });
});

describe('the appliance as a target', () => {
  const target = () =>
    applianceTarget({
      ...{ healing: HEALING, requestFile: tools.requestFile, answerFile: join(folder, 'answer.json') },
      look: async (check_type) => exampleDetection({ subject: 'appliance', check_type }),
    });

  test('asks root, waits for the answer, and says what it was', async () => {
    const asked = target().act('restart_time_sync', {}, AbortSignal.timeout(5_000));
    await serveHealing(tools);
    expect(await asked).toEqual({ claimed: true, output: 'systemctl restart systemd-timesyncd.service' });
  });

  test('says what root could not do', async () => {
    runs = async () => ({ code: 1, stdout: '', stderr: 'no such unit' });
    const asked = target().act('restart_time_sync', {}, AbortSignal.timeout(5_000));
    await expect(serveHealing(tools)).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
    expect(await asked).toEqual({ claimed: false, output: expect.stringMatching(/no such unit/) });
  });

  test('takes a request back that nobody has taken in time', async () => {
    const asked = target().act('apply_firewall', {}, AbortSignal.timeout(50));
    expect(existsSync(tools.requestFile)).toBe(true);
    await expect(asked).rejects.toThrow();
    expect(existsSync(tools.requestFile)).toBe(false);
  });

  test('of a process before this one is done when root has answered, or never was', async () => {
    writeHealRequest(tools.requestFile, {
      format: 1,
      healing: HEALING,
      action: 'apply_firewall',
      params: {},
    });
    await expect(target().settled(AbortSignal.timeout(50))).rejects.toThrow();
    expect(existsSync(tools.requestFile)).toBe(false);
    await ask();
    await target().settled(AbortSignal.timeout(5_000));
  });
});
