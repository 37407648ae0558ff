import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Check, CheckContext } from '../check.ts';
import { LabMachine } from '../lab/machine.ts';
import { bootState } from './boot-state.ts';
import { clock } from './clock.ts';
import { memory } from './memory.ts';
import { networkLink, reachableAddresses } from './network.ts';
import {
  coordinator,
  slotContradiction,
  temperature,
  timeSynchronised,
  watchdogRunning,
} from './observed.ts';

let machine: LabMachine;
beforeEach(() => {
  machine = new LabMachine();
});
afterEach(() => machine.remove());

async function judge(check: Check, overrides: Partial<CheckContext> = {}) {
  const { outcome, message } = await check.find(machine.context(overrides), new AbortController().signal);
  return `${outcome}: ${message}`;
}

describe('memory', () => {
  test('reads what this very kernel says', async () => {
    const paths = { ...machine.paths, procFolder: '/proc' };
    expect(await judge(memory, { paths })).toMatch(/^(pass|fail): [\d.]+ (M|G)iB of memory available/);
  });

  test('fails below the limit and when the kernel does not say', async () => {
    machine.write('proc/meminfo', 'MemTotal:  300000 kB\nMemAvailable:  60000 kB\n');
    expect(await judge(memory)).toBe('fail: 58.6 MiB of memory available, at least 64.0 MiB are needed');
    machine.write('proc/meminfo', 'MemTotal:  300000 kB\n');
    expect(await judge(memory)).toMatch(/^fail: the kernel does not say/);
  });
});

describe('clock', () => {
  test('fails before the day the image was built, passes after it', async () => {
    expect(await judge(clock)).toBe('pass: the clock says 2026-06-01T12:00:00.000Z');
    expect(await judge(clock, { now: () => new Date('2025-12-31T23:59:59Z') })).toBe(
      'fail: the clock says 2025-12-31T23:59:59.000Z, the image was built at 2026-01-01T00:00:00.000Z',
    );
  });

  test('fails when the image does not say when it was built', async () => {
    machine.write('usr/image.json', '{"version":"1.2.3","built_at":"yesterday"}');
    expect(await judge(clock)).toMatch(/^fail: .* has no valid built_at$/);
  });
});

describe('boot state', () => {
  test('passes when it can be read or repaired, fails when neither', async () => {
    const good = { A: true, B: false };
    const state = { active: 'A', trial: 'B', attempts: 2, good, failed: null } as const;
    expect(await judge(bootState, { bootState: { state, condition: 'ok' } })).toBe(
      'pass: slot A is active, slot B on trial, attempts since the last commit: 2',
    );
    for (const condition of ['damaged', 'missing'] as const) {
      expect(await judge(bootState, { bootState: { state: null, condition } })).toMatch(
        /^pass: .*written anew/,
      );
    }
    expect(await judge(bootState, { bootState: { state: null, condition: 'unreadable' } })).toMatch(
      /^fail: /,
    );
  });

  test('fails when nobody knows which slot runs', async () => {
    const slot = { slot: null, source: null, contradiction: null };
    expect(await judge(bootState, { slot })).toMatch(/^fail: the running slot is not known/);
  });
});

describe('what is observed only', () => {
  test('nothing of it decides', () => {
    for (const check of [
      networkLink,
      coordinator,
      slotContradiction,
      temperature,
      timeSynchronised,
      watchdogRunning,
    ]) {
      expect(check.decisive, check.name).toBe(false);
    }
  });

  test('the link: only interfaces with hardware behind them count', async () => {
    machine.write('sys/class/net/lo/carrier', '1\n');
    expect(await judge(networkLink)).toBe('fail: there is no network interface');
    machine.write('sys/class/net/eth0/device/vendor', '0x10ec\n');
    expect(await judge(networkLink)).toBe('fail: no link on eth0');
    machine.write('sys/class/net/eth0/carrier', '1\n');
    expect(await judge(networkLink)).toBe('pass: link on eth0');
  });

  test('addresses: loopback and link-local ones reach nobody', () => {
    const info = (address: string, internal = false) => ({
      address,
      internal,
      netmask: '',
      mac: '',
      family: 'IPv4' as const,
      cidr: null,
    });
    const found = reachableAddresses({
      lo: [info('127.0.0.1', true)],
      eth0: [info('169.254.7.7'), info('fe80::1'), info('febf::1'), info('192.168.1.9'), info('fd00::9')],
    });
    expect(found).toEqual(['192.168.1.9 on eth0', 'fd00::9 on eth0']);
  });

  test('the time: said by the file of systemd-timesyncd', async () => {
    expect(await judge(timeSynchronised)).toMatch(/^fail: /);
    machine.write('run/synchronized', '');
    expect(await judge(timeSynchronised)).toMatch(/^pass: /);
  });

  test('the watchdog: present, running, and armed before the root', async () => {
    expect(await judge(watchdogRunning)).toBe('fail: there is no hardware watchdog');
    machine.write('sys/class/watchdog/watchdog0/identity', 'SP5100 TCO timer\n');
    machine.write('sys/class/watchdog/watchdog0/timeout', '60\n');
    machine.write('sys/class/watchdog/watchdog0/state', 'active\n');
    const initrd = { ...machine.context().initrd, watchdogArmed: true };
    expect(await judge(watchdogRunning, { initrd })).toBe(
      'pass: SP5100 TCO timer, 60 s, armed before the root was mounted',
    );
    machine.write('sys/class/watchdog/watchdog0/state', 'inactive\n');
    expect(await judge(watchdogRunning)).toMatch(/^fail: the watchdog is not running/);
  });

  test('the temperature: the hottest of all sensors', async () => {
    expect(await judge(temperature)).toBe('skipped: no temperature sensor');
    machine.write('sys/class/thermal/thermal_zone0/temp', '41000\n');
    machine.write('sys/class/hwmon/hwmon1/temp1_input', '63500\n');
    expect(await judge(temperature)).toBe('pass: the hottest of 2 sensors shows 63.5 °C');
    machine.write('sys/class/hwmon/hwmon1/temp1_input', '96000\n');
    expect(await judge(temperature)).toMatch(/^fail: .* 96\.0 °C$/);
  });

  test('a contradiction about the slot is reported', async () => {
    expect(await judge(slotContradiction)).toBe('pass: everything says slot A');
    const slot = {
      slot: 'A',
      source: 'command-line',
      contradiction: 'command-line says A, mount says B',
    } as const;
    expect(await judge(slotContradiction, { slot })).toBe('fail: command-line says A, mount says B');
  });

  test('the coordinator: skipped without one, asked at /health with one', async () => {
    expect(await judge(coordinator)).toBe('skipped: no coordinator is configured');
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: (request) =>
        new Response('', { status: new URL(request.url).pathname === '/health' ? 200 : 404 }),
    });
    const coordinatorUrl = `http://127.0.0.1:${server.port}/base`;
    expect(await judge(coordinator, { coordinatorUrl, fetch: (url, init) => fetch(url, init) })).toMatch(
      /^pass: /,
    );
    await server.stop(true);
  });
});
