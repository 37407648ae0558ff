import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { makeFolder } from '../../../test/unit/make-folder.ts';
import type { StoredEvent } from '../../findings/findings.ts';
import type { Finding } from '../../findings/fold.ts';
import type { CommandResult } from '../commands/commands.ts';
import type { LabWish } from '../http/lab/serve-process.ts';
import type { Sensor } from '../registry/sensor.ts';
import { CAN_UNSHARE, inOwnNetwork, NFT_RULES, type OwnNetwork, shellMachine } from './lab/shell-machine.ts';

const HERE = import.meta.dirname;
const SCRIPTS = ['install.sh', 'sensor.sh', 'uninstall.sh'];
/** Every check; asking for updates takes a machine many seconds. */
const ALL = `${process.env['BULKHEAD_FULL'] === '1' ? 'patches ' : ''}ssh firewall disk services time users`;
interface Sight {
  sensors: Sensor[];
  results: CommandResult[];
  findings: Finding[];
  events: StoredEvent[];
  checks: { check_type: string; passed: boolean }[];
  faults: string[];
}

let lab: OwnNetwork | undefined;
afterEach(async () => {
  await lab?.end();
  lab = undefined;
});

/** The real API in a network of its own, and a machine in it. */
async function start() {
  const folder = makeFolder('shell-sensor');
  const program = new URL('../http/lab/serve-process.ts', import.meta.url).pathname;
  const network = inOwnNetwork(program, { LAB_FOLDER: folder });
  lab = network;
  const { url, code } = (await network.next()) as { url: string; code: string };
  return {
    ...shellMachine({ pid: network.pid, url, folder }),
    ...{ url, code, pid: network.pid },
    async look(wish: LabWish = {}): Promise<Sight> {
      network.tell(wish);
      return (await network.next()) as Sight;
    },
  };
}

const shells = [['dash'], ['bash', '--posix'], ['busybox', 'sh']].filter(
  ([name = '']) => spawnSync('which', [name]).status === 0,
);

describe.skipIf(!CAN_UNSHARE)('the shell sensor', () => {
  test.each(shells)(
    'finds a stopped firewall, is asked to start it, and proves that it runs (%s %s)',
    { timeout: 60_000 },
    async (...shell) => {
      const machine = await start();
      expect(machine.install('--code', machine.code)).toMatchObject({
        status: 0,
        stderr: expect.stringMatching(/^registered as s-/),
      });
      const rules = join(machine.root, 'nftables.conf');
      writeFileSync(rules, NFT_RULES);
      machine.set('nft_rules', rules);

      expect(machine.round(shell)).toMatchObject({ status: 0, stderr: '' });
      const drift = await machine.look();
      expect(drift.findings).toMatchObject([
        {
          check_type: 'firewall',
          state: 'open',
          severity: 'critical',
          actual: 'nothing filters what comes in',
        },
      ]);
      expect(drift.sensors).toMatchObject([{ way: 'http', mode: 'shell', drift_count: 1 }]);
      // Nothing has changed, so nothing is told.
      machine.round(shell);
      expect((await machine.look()).events).toHaveLength(1);

      const give = {
        command_id: 'c-1',
        check_type: 'firewall',
        action: 'enable_firewall',
        params: {},
        timeout_s: 30,
      };
      await machine.look({ give });
      expect(machine.round(shell)).toMatchObject({ status: 0, stderr: '' });
      const healed = await machine.look();
      expect(healed.results).toMatchObject([{ command_id: 'c-1', success: true, error_message: '' }]);
      expect(healed.findings).toMatchObject([{ state: 'closed', closed_by: 'detection' }]);
      expect(machine.inside('nft', 'list', 'ruleset').stdout).toContain('policy drop');
      // The same command again is not carried out again.
      await machine.look({ give });
      machine.inside('nft', 'flush', 'ruleset');
      machine.round(shell);
      const after = await machine.look();
      expect(after.results).toHaveLength(1);
      expect(after.findings.filter(({ state }) => state === 'open')).toHaveLength(1);
      expect(after.faults).toEqual([]);
    },
  );

  test('where healing is switched off nothing is changed, and that is said', {
    timeout: 60_000,
  }, async () => {
    const machine = await start();
    machine.install('--code', machine.code);
    machine.set('healing', 'off');
    machine.round();
    const give = {
      command_id: 'c-2',
      check_type: 'firewall',
      action: 'enable_firewall',
      params: {},
      timeout_s: 30,
    };
    await machine.look({ give });
    machine.round();
    const { results, findings } = await machine.look();
    expect(results).toMatchObject([
      { success: false, error_message: 'healing is switched off on this machine' },
    ]);
    // It has looked again all the same.
    expect(findings).toMatchObject([{ state: 'open', times_seen: 2 }]);
  });

  test('believes nobody who answers in the place of the appliance', { timeout: 60_000 }, async () => {
    const machine = await start();
    machine.install('--code', machine.code);
    const answers = `Bun.serve({ port: 8099, hostname: '127.0.0.1', fetch: ({ url }) => new Response(url.endsWith('/heartbeat')
      ? 'status ok\\ncommand c-evil firewall enable_firewall 30\\n' : '{"received":true}') }); console.log('up')`;
    const stranger = spawn('nsenter', ['--net', `--target=${machine.pid}`, process.execPath, '-e', answers], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(stranger.stdout, 'data');
      machine.set('url', 'http://127.0.0.1:8099');
      expect(machine.round().stderr).toContain('is not signed by the appliance: 200');
      // What was found still waits for the appliance.
      expect(readdirSync(join(machine.state, 'queue'))).toHaveLength(1);
      rmSync(join(machine.state, 'queue'), { recursive: true });
      mkdirSync(join(machine.state, 'queue'));
      expect(machine.round().stderr).toContain('is not signed by the appliance: 200');
      expect(existsSync(join(machine.state, 'begun'))).toBe(false);
    } finally {
      stranger.kill();
    }
  });

  test('what is no part of a command, and a name that is none, are refused', {
    timeout: 60_000,
  }, async () => {
    const machine = await start();
    machine.install('--code', machine.code);
    machine.round();
    const base = { check_type: 'services', timeout_s: 5 };
    const give = { ...base, command_id: 'c-3', action: 'start_service', params: { command: 'touch /x' } };
    await machine.look({ give });
    machine.round();
    await machine.look({
      give: { ...base, command_id: 'c-4', action: 'start_service', params: { service: '$(touch x)' } },
    });
    machine.round();
    const { results } = await machine.look();
    expect(results.map(({ success, error_message }) => ({ success, error_message }))).toEqual([
      { success: false, error_message: "there is no parameter 'command'" },
      { success: false, error_message: 'no name of a service' },
    ]);
  });

  test('looks for real at everything that it has a check for', { timeout: 180_000 }, async () => {
    const machine = await start();
    machine.install('--code', machine.code);
    machine.set('checks', ALL);
    machine.set('disk_percent', '0');
    machine.round();
    expect(machine.round()).toMatchObject({ status: 0, stderr: '' });
    const { checks, findings } = await machine.look();
    const states = Object.fromEntries(checks.map(({ check_type, passed }) => [check_type, passed]));
    // With 0 % every disk is too full; the clock is the appliance's own.
    expect(states).toMatchObject({ firewall: false, disk: false, time: true, users: true });
    expect(findings.find(({ check_type }) => check_type === 'disk')?.actual).toMatch(/^\/\S* \d+%/);
    machine.set('disk_percent', '101');
    machine.round();
    const after = await machine.look();
    expect(after.checks.find(({ check_type }) => check_type === 'disk')).toMatchObject({ passed: true });
  });

  test('what was found while the appliance was away is told when it is back, once', {
    timeout: 60_000,
  }, async () => {
    const machine = await start();
    machine.install('--code', machine.code);
    machine.set('url', 'http://127.0.0.1:9');
    expect(machine.round()).toMatchObject({ status: 0, stderr: expect.stringContaining('events wait') });
    expect(readdirSync(join(machine.state, 'queue'))).toHaveLength(1);
    machine.set('url', machine.url);
    machine.round();
    machine.round();
    expect((await machine.look()).events).toHaveLength(1);
    expect(readdirSync(join(machine.state, 'queue'))).toEqual([]);
  });

  test('waits to be approved under a fingerprint, and is let in then', { timeout: 60_000 }, async () => {
    const machine = await start();
    const { status, stderr } = machine.install();
    expect(status).toBe(0);
    const fingerprint = /fingerprint ([0-9a-f]{8})/.exec(stderr)?.[1] ?? '';
    machine.round();
    expect((await machine.look({ approve: fingerprint })).events).toEqual([]);
    expect(machine.round().stderr).toContain('registered as s-');
    machine.round();
    expect((await machine.look()).events).toHaveLength(1);
  });

  test('what it keeps is for root alone, the key is nowhere in it, and nothing is left of it', {
    timeout: 60_000,
  }, async () => {
    const machine = await start();
    machine.install('--code', machine.code);
    machine.round();
    expect(statSync(machine.state).mode & 0o777).toBe(0o700);
    expect(statSync(join(machine.state, 'key-inner'))).toMatchObject({ size: 64 });
    expect(spawnSync('grep', ['-r', 'bhs_', machine.root]).status).toBe(1);
    machine.inside('sh', join(HERE, 'uninstall.sh'), '--root', machine.root);
    for (const path of ['usr/local/lib', 'etc', 'var/lib'])
      expect(existsSync(join(machine.root, path, 'bulkhead-sensor'))).toBe(false);
  });
});

describe('the scripts', () => {
  const hasShellcheck = spawnSync('which', ['shellcheck']).status === 0;
  test.skipIf(!hasShellcheck)('are clean to shellcheck, as POSIX sh', () => {
    const files = SCRIPTS.map((name) => join(HERE, name));
    expect(
      execFileSync('shellcheck', ['--shell=sh', '--severity=style', ...files], { encoding: 'utf8' }),
    ).toBe('');
  });

  test('say how they are used when they are not', () => {
    for (const [name = '', ...args] of [
      ['install.sh'],
      ['install.sh', '--url', 'ftp://x'],
      ['uninstall.sh', 'x'],
    ]) {
      const { status, stderr } = spawnSync('sh', [join(HERE, name), ...args], { encoding: 'utf8' });
      expect(status).toBe(2);
      expect(stderr).toContain('--');
    }
  });
});
