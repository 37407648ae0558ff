import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { unknownUpdate } from '../../status-page/example-updates.ts';
import type { Status } from '../../status-page/status.ts';
import { bigText } from './big-text.ts';
import { CONSOLE_COLUMNS, CONSOLE_LINES } from './limits.ts';
import { renderConsole } from './render-console.ts';

const STATUS: Status = {
  identity: {
    hostname: 'bulkhead-1a2b3c',
    siteId: null,
    deviceId: null,
    machineId: null,
    product: 'HP t640 Thin Client',
    vendor: 'HP',
    serial: null,
  },
  version: { running: '0.1.0', program: '0.1.0', revision: 'd734cc4', kernel: '6.12.48-amd64' },
  boot: {
    bootId: 'now',
    slot: 'A',
    slotSource: 'command-line',
    contradiction: null,
    attempt: 1,
    maxAttempts: 3,
    mode: 'normal',
    stateFile: 'ok',
  },
  setup: { problems: [] },
  slots: [],
  update: unknownUpdate(),
  health: { outcome: 'healthy', verdicts: [] },
  system: {
    uptime_s: 60,
    memory: { total_bytes: 1, used_bytes: 1, agent_bytes: 1 },
    load: [],
    dataDisk: { total_bytes: null, used_bytes: null, readOnly: null },
    temperature_c: null,
    watchdog: { present: true, identity: null, timeout_s: null },
  },
  time: {
    now: '2026-11-21T12:00:00.000Z',
    zone: 'Europe/Berlin',
    synchronised: true,
    server: '10.0.2.3',
    offset_ms: 1,
  },
  network: {
    interfaces: [
      { name: 'enp1s0', mac: null, up: true, carrier: true, speed_mbps: 1000, addresses: ['10.0.2.15/24'] },
    ],
    primaryAddress: '10.0.2.15',
    gateway: '10.0.2.2',
    dns: [],
  },
  secrets: { problem: null, secrets: [] },
  firewall: { loaded: true, rules: 1, digest: null, openPorts: [], checkedAt: null },
  coordinator: {
    configured: false,
    url: null,
    reachable: null,
    failingStage: null,
    message: 'not configured',
    checkedAt: null,
    link: null,
  },
  services: [],
};

const unhealthy = (reason: string): Status => ({
  ...STATUS,
  health: {
    outcome: 'unhealthy',
    verdicts: [
      {
        id: 'now-1',
        bootId: 'now',
        at: '2026-11-21T12:00:00Z',
        slot: 'A',
        version: '0.1.0',
        attempt: 1,
        outcome: 'unhealthy',
        action: 'reboot',
        reason,
        checks: [],
      },
    ],
  },
});

test('a healthy appliance looks like this', () => {
  expect(renderConsole(STATUS, new Date('2026-11-21T12:00:05.700Z'))).toMatchInlineSnapshot(`
    "  BULKHEAD 0.1.0                                          HP t640 Thin Client
      ===========================================================================
      #  # ####  ##  #    #### #  # #  #     ##
      #  # #    #  # #     ##  #  # #  #    #  #
      #### ###  #### #     ##  ####  ##     ####
      #  # #    #  # #     ##  #  #  ##     #  #
      #  # #### #  # ####  ##  #  #  ##     #  #

       #    ##     ##    ###     #   ####
      ##   #  #   #  #      #   ##   #
       #   #  #   #  #    ##     #   ###
       #   #  #   #  #   #       #      #
      ###   ##  #  ##  # #### # ###  ###
      http://10.0.2.15/   http://bulkhead-1a2b3c.local/

      Health       healthy
      Slot         A (normal, attempt 1 of 3)
      Version      0.1.0 (d734cc4)
      Coordinator  not configured
      Clock        Europe/Berlin, synchronised with 10.0.2.3
      Last change  2026-11-21 12:00:05 UTC
    "
  `);
});

test('an unhealthy one says why, also when the reason is long', () => {
  const text = renderConsole(
    unhealthy(`a decisive check failed: ${'data-partition (not mounted), '.repeat(20)}`),
    null,
  );
  expect(text).toContain('Health       unhealthy\n               a decisive check failed: data-partition');
  expect(text).toContain(' ...\n  Slot');
});

test('without an address it says what a person at the box can do', () => {
  const network = { ...STATUS.network, primaryAddress: null };
  expect(renderConsole({ ...STATUS, network }, null)).toContain('DHCP has not answered');
  expect(renderConsole({ ...STATUS, network: { ...network, interfaces: [] } }, null)).toContain(
    'is the cable plugged in?',
  );
});

test('an IPv6 address is written so that it can be typed into a browser', () => {
  const network = { ...STATUS.network, primaryAddress: '2001:db8::5' };
  expect(renderConsole({ ...STATUS, network }, null)).toContain('http://[2001:db8::5]/');
});

test('every word and the longest address the console shows big has all its letters', () => {
  for (const word of ['HEALTHY A', 'UNHEALTHY B', 'CHECKING A', 'RESCUE B', 'LIVE', '0123456789.']) {
    expect(bigText(word)).toHaveLength(5);
  }
  expect(Math.max(...(bigText('255.255.255.255') ?? []).map((line) => line.length))).toBeLessThan(
    CONSOLE_COLUMNS - 2,
  );
  expect(Math.max(...(bigText('UNHEALTHY B') ?? []).map((line) => line.length))).toBeLessThan(
    CONSOLE_COLUMNS - 2,
  );
});

describe('whatever the status holds', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\u001b[2J\u001b]0;x\u0007', '\r\nHealth       healthy', '\u009b31m', 'x'.repeat(500)),
  );

  test('only printable ASCII and line feeds come out, within 79 columns and 24 lines', () => {
    fc.assert(
      fc.property(hostile, hostile, hostile, (one, two, three) => {
        const status: Status = {
          ...unhealthy(one),
          identity: { ...STATUS.identity, hostname: two, product: three },
          version: { ...STATUS.version, running: one, revision: two },
          boot: { ...STATUS.boot, contradiction: two },
          coordinator: { ...STATUS.coordinator, message: three },
          time: { ...STATUS.time, zone: one, server: three },
          network: { ...STATUS.network, primaryAddress: two },
        };
        const text = renderConsole(status, new Date(0));
        expect(text).toMatch(/^[\x20-\x7e\n]*$/);
        const lines = text.split('\n');
        expect(lines.length).toBeLessThanOrEqual(CONSOLE_LINES + 1);
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(CONSOLE_COLUMNS);
      }),
    );
  });

  test('a field cannot start a line of its own', () => {
    const text = renderConsole(
      { ...STATUS, coordinator: { ...STATUS.coordinator, message: 'x\n  Health       healthy' } },
      null,
    );
    expect(text).toContain('x?  Health');
  });
});

test('a line for sensors has the code in two groups, and is the first to go when lines are short', () => {
  const text = renderConsole(STATUS, null, { live: 3, code: '012345' });
  expect(text).toContain('\n  Sensors      3 live; code to let one in: 012 345\n');
  expect(renderConsole(STATUS, null)).not.toContain('Sensors');
});

test('equal facts give equal text, so that the console is written on change only', () => {
  const later = {
    ...STATUS,
    time: { ...STATUS.time, now: '2026-11-21T13:00:00.000Z' },
    system: { ...STATUS.system, uptime_s: 3600 },
  };
  expect(renderConsole(later, null)).toBe(renderConsole(STATUS, null));
});
