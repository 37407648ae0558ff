import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BulkheadError } from '../../../../base/errors.ts';
import { startWinrmServer, type WinrmServer } from '../../../../test/winrm/winrm-server.ts';
import type { FakeRun } from '../../../../test/winrm/winrm-service.ts';
import type { TargetConfig, WindowsCheck } from '../../../config/schema-targets.ts';
import { WINDOWS_CHECKS } from '../../../config/schema-targets.ts';
import { completeTarget } from '../../../config/target-entries.ts';
import { ACTION_NAMES, ACTIONS, actionFacts } from '../../actions.ts';
import { checkScript, powershellArguments, powershellQuote } from './powershell.ts';
import { createWinrmTarget } from './target.ts';
import { windowsAction } from './windows-actions.ts';
import { WINDOWS_CHECK_DEFINITIONS } from './windows-checks.ts';

/** What a Windows machine in order answers to each check, in the form of ConvertTo-Json -Compress. */
const GOOD: Readonly<Record<WindowsCheck, object>> = {
  bitlocker: { volumes: [{ volume: 'C:', status: 'FullyEncrypted', protection: 'On' }] },
  defender: { antivirus: true, realtime: true, age_days: 0 },
  firewall: {
    profiles: ['Domain', 'Private', 'Public'].map((name) => ({ name, on: true, inbound: 'NotConfigured' })),
  },
  patches: { security: [], all: 3, age_s: 3600 },
  screenlock: { after_s: 600 },
  rmm: {
    services: [
      { name: 'Spooler', running: true },
      { name: 'TeamViewer', running: false },
    ],
  },
};

const ACCOUNT = { user: 'scan', domain: 'CLINIC', password: 'secret' };
let server: WinrmServer;
let run: (script: string) => FakeRun;
const left: unknown[] = [];
beforeAll(async () => {
  server = await startWinrmServer({ account: ACCOUNT, run: (script) => run(script) });
});
afterAll(async () => {
  expect([left, server.service.shells.size, server.service.complaints]).toEqual([[], 0, []]);
  await server.stop();
});

const target = (more: Partial<TargetConfig> = {}) => {
  const entry = {
    name: 'desk',
    address: '127.0.0.1',
    way: 'winrm',
    user: 'CLINIC\\scan',
    password: 'secret',
  };
  const config = completeTarget({ ...entry, port: server.port, ...more }) as TargetConfig;
  return createWinrmTarget(config, { now: () => new Date(), onLeft: (error) => left.push(error) });
};
const soon = () => AbortSignal.timeout(15_000);
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof BulkheadError ? error.code : error),
  );
/** Answers each check by its script, as the machine would. */
const machine = (answers: Partial<Record<WindowsCheck, unknown>>) => (script: string) => {
  const check = WINDOWS_CHECKS.find((name) => script.includes(WINDOWS_CHECK_DEFINITIONS[name].script));
  const value = check === undefined ? undefined : (answers[check] ?? GOOD[check]);
  return { stdout: typeof value === 'string' ? value : JSON.stringify({ ok: true, value }) };
};
const detect = (check: WindowsCheck, value: unknown) => {
  run = machine({ [check]: value });
  return target().detect(check, soon());
};

describe('a look at a Windows machine', () => {
  it('makes every check in one shell', async () => {
    run = machine({});
    const before = server.service.asked.length;
    const looks = await target().detectAll(soon());
    expect(looks.map(({ check_type, detection }) => [check_type, detection?.passed])).toEqual(
      WINDOWS_CHECKS.map((name) => [name, true]),
    );
    expect(looks[0]?.detection).toMatchObject({
      ...{ subject: 't-desk', hostname: '127.0.0.1', actual: 'C: FullyEncrypted, protection On' },
    });
    expect(looks.at(-1)?.detection?.actual).toBe('TeamViewer (stopped)');
    const asked = server.service.asked.slice(before);
    expect(asked.filter((name) => name === 'Create')).toHaveLength(1);
    expect(asked.filter((name) => name === 'Signal')).toHaveLength(WINDOWS_CHECKS.length);
  });

  it.each<[WindowsCheck, object, string]>([
    [
      'bitlocker',
      {
        volumes: [
          { volume: 'C:', status: 'FullyEncrypted', protection: 'On' },
          { volume: 'D:', status: 'FullyDecrypted', protection: 'Off' },
        ],
      },
      'D: FullyDecrypted, protection Off',
    ],
    [
      'bitlocker',
      { volumes: [{ volume: 'C:', status: 'FullyEncrypted', protection: 'Off' }] },
      'C: FullyEncrypted, protection Off',
    ],
    ['defender', { antivirus: true, realtime: false, age_days: 1 }, 'not in real time'],
    ['defender', { antivirus: true, realtime: true, age_days: 65_535 }, 'signatures 65535 days old'],
    ['firewall', { profiles: [{ name: 'Public', on: false, inbound: 'Block' }] }, 'Public off'],
    ['firewall', { profiles: [{ name: 'Domain', on: true, inbound: 'Allow' }] }, 'Domain lets everything in'],
    ['patches', { security: ['2026-11 Update (KB1)'], all: 4, age_s: 60 }, '1 wait: 2026-11 Update (KB1)'],
    ['patches', { security: [], all: 0, age_s: null }, 'no security update waits; it has never searched'],
    ['screenlock', { after_s: null }, 'never locks'],
    ['screenlock', { after_s: 0 }, 'never locks'],
    ['screenlock', { after_s: 901 }, 'locks after 901 s'],
  ])('finds what is wrong with %s: %j', async (check, value, actual) => {
    expect(await detect(check, value)).toMatchObject({ check_type: check, passed: false, actual });
  });

  it.each<[string, WindowsCheck, string]>([
    ['no JSON', 'defender', 'Get-MpComputerStatus : not found'],
    ['nothing', 'defender', ''],
    ['another type', 'defender', '{"ok":true,"value":{"antivirus":"True","realtime":true,"age_days":0}}'],
    [
      'a field more',
      'defender',
      '{"ok":true,"value":{"antivirus":true,"realtime":true,"age_days":0,"passed":true}}',
    ],
    ['a field less', 'screenlock', '{"ok":true,"value":{}}'],
    ['an envelope of its own', 'screenlock', '{"ok":true,"value":{"after_s":60},"passed":true}'],
    ['no list', 'firewall', '{"ok":true,"value":{"profiles":{"name":"Public","on":true,"inbound":"Block"}}}'],
    ['an empty list', 'bitlocker', '{"ok":true,"value":{"volumes":[]}}'],
  ])('believes no answer with %s', async (_, check, stdout) => {
    run = () => ({ stdout });
    expect(await codeOf(target().detect(check, soon()))).toBe('TARGET_ANSWER_INVALID');
  });

  it('tells why a check has no answer, and goes on with the others', async () => {
    run = machine({
      bitlocker: '\uFEFF{"ok":false,"error":"Get-BitLockerVolume is not recognized\\r\\nat line 1"}',
    });
    const looks = await target({ checks: ['bitlocker', 'defender'] }).detectAll(soon());
    expect(looks[0]?.error).toMatchObject({
      code: 'TARGET_CHECK_UNANSWERED',
      message: "nothing is known about 'bitlocker': Get-BitLockerVolume is not recognized at line 1",
    });
    expect(looks[1]?.detection?.passed).toBe(true);
  });

  it('is not made for a check of another platform', async () => {
    expect(await codeOf(target().detect('users', soon()))).toBe('TARGET_CHECK_UNKNOWN');
  });
});

describe('an action on a Windows machine', () => {
  it('is a script of the closed list, with the values quoted', async () => {
    const scripts: string[] = [];
    run = (script) => {
      scripts.push(script);
      return { stdout: 'done', code: 0 };
    };
    const done = await target().act('start_service', { service: 'Spooler' }, soon());
    expect(done).toEqual({ claimed: true, output: 'done' });
    expect(scripts[0]).toContain("Start-Service -Name 'Spooler'");
    run = () => ({ stderr: 'Cannot find any service', code: 1 });
    expect(await target().act('start_service', { service: 'x' }, soon())).toEqual({
      claimed: false,
      output: 'Cannot find any service',
    });
  });

  it.each(["x';Stop-Computer;'", '$(calc)', 'a`b', '\u2019;calc;\u2019', 'a b'])(
    'is not begun for a service called %j',
    async (service) => {
      const before = server.service.asked.length;
      expect(await codeOf(target().act('start_service', { service }, soon()))).toBe(
        'HEALING_ACTION_PARAMETERS',
      );
      expect(server.service.asked).toHaveLength(before);
    },
  );

  it('of another platform is refused', async () => {
    expect(await codeOf(target().act('harden_ssh', {}, soon()))).toBe('HEALING_ACTION_PLATFORM');
  });

  it('has a script for everything that the list allows on Windows, and each fits in a command line', () => {
    const params: Readonly<Record<string, string>> = {
      service: 's'.repeat(64),
      volume: 'C:',
      after_s: '9999',
    };
    const windows = ACTION_NAMES.filter((name) => actionFacts(name).platforms.includes('windows'));
    expect(windows).toHaveLength(7);
    for (const name of windows) {
      const own = Object.fromEntries(
        Object.keys(ACTIONS[name].params).map((key) => [key, params[key] ?? '']),
      );
      expect(powershellArguments(windowsAction(name, own, 5986)).at(-1), name).toBeTruthy();
    }
    for (const { script } of Object.values(WINDOWS_CHECK_DEFINITIONS))
      expect(powershellArguments(checkScript(script)).at(-1)).toBeTruthy();
    expect(() => powershellArguments('x'.repeat(4000))).toThrow(
      expect.objectContaining({ code: 'TARGET_SCRIPT_TOO_LONG' }),
    );
  });

  it('quotes a value, or refuses it', () => {
    expect(powershellQuote("it's $x `y")).toBe("'it''s $x `y'");
    for (const value of ['\u2018', 'a\nb', '\u0000', 'ä'])
      expect(() => powershellQuote(value)).toThrow(expect.objectContaining({ code: 'TARGET_VALUE_UNSAFE' }));
  });
});
