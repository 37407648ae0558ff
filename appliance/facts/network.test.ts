import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { InterfaceStatus } from '../../status-page/status.ts';
import { type FactTree, makeFactTree } from './fact-tree.ts';
import { choosePrimaryAddress, readNetwork } from './network.ts';
import { compressIp6, parseRoutes4, parseRoutes6 } from './routes.ts';

const ROUTE_HEAD = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';

describe('on the machine this test runs on', () => {
  test('the gateway is the one that ip(8) names', () => {
    const shown = spawnSync('ip', ['-4', 'route', 'show', 'default'], { encoding: 'utf8' });
    const expected = /default via (\S+)/.exec(shown.stdout)?.[1] ?? null;
    expect(parseRoutes4(readFileSync('/proc/net/route', 'utf8'))?.gateway ?? null).toBe(expected);
  });

  test('every interface but loopback is there with the addresses the kernel gives it', () => {
    const found = readNetwork('/proc', '/sys', '/run', '/etc');
    expect(found.interfaces.some(({ name }) => name === 'lo')).toBe(false);
    for (const [name, addresses] of Object.entries(networkInterfaces())) {
      if (name === 'lo') continue;
      const cidrs = (addresses ?? []).map(({ cidr }) => cidr);
      expect(found.interfaces.find((item) => item.name === name)?.addresses).toEqual(cidrs);
    }
  });
});

describe('the default route', () => {
  test('is the one of the lowest metric; routes to a network or without a gateway are none', () => {
    const text =
      `${ROUTE_HEAD}enp1s0\t0000A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n` +
      'wlan0\t00000000\t0102A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n' +
      'enp1s0\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n' +
      'ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n';
    expect(parseRoutes4(text)).toEqual({ interfaceName: 'enp1s0', gateway: '192.168.0.1' });
  });

  test('is found for IPv6', () => {
    const zero = '0'.repeat(32);
    const text = `${zero} 00 ${zero} 00 fe800000000000000000000000000001 00000400 00000002 00000000 00000003     eth0\n`;
    expect(parseRoutes6(text)).toEqual({ interfaceName: 'eth0', gateway: 'fe80::1' });
  });

  test('is not known from an empty or foreign table', () => {
    expect(parseRoutes4(ROUTE_HEAD)).toBeNull();
    expect(parseRoutes6('nonsense\n')).toBeNull();
  });
});

test('an IPv6 address is written as RFC 5952 and every URL parser writes it', () => {
  const group = fc.constantFrom('0000', '0001', '00ab', 'fe80', 'ffff');
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
      // The WHATWG URL standard serialises IPv6 hosts by the same rules.
      expect(`[${compressIp6(groups.join(''))}]`).toBe(new URL(`http://[${groups.join(':')}]/`).hostname);
    }),
  );
});

describe('the primary address', () => {
  const card = (name: string, addresses: string[], carrier = true): InterfaceStatus => ({
    name,
    mac: null,
    up: true,
    carrier,
    speed_mbps: null,
    addresses,
  });

  test('is the IPv4 address on the interface of the default route', () => {
    const cards = [
      card('enp1s0', ['10.0.0.5/24']),
      card('wlan0', ['fe80::1/64', '2001:db8::5/64', '192.168.1.9/24']),
    ];
    expect(choosePrimaryAddress(cards, { interfaceName: 'wlan0', gateway: '192.168.1.1' })).toBe(
      '192.168.1.9',
    );
  });

  test('is there without a gateway, but not on a card without a cable', () => {
    expect(
      choosePrimaryAddress([card('enp1s0', ['10.0.0.5/24'], false), card('enp2s0', ['10.1.0.5/24'])], null),
    ).toBe('10.1.0.5');
  });

  test('is link-local only when there is nothing better, and not known when there is nothing', () => {
    expect(choosePrimaryAddress([card('a', ['fe80::1/64', '169.254.3.4/16', '2001:db8::5/64'])], null)).toBe(
      '2001:db8::5',
    );
    expect(choosePrimaryAddress([card('a', ['fe80::1/64'])], null)).toBe('fe80::1');
    expect(choosePrimaryAddress([], null)).toBeNull();
  });
});

describe('an interface', () => {
  let tree: FactTree;
  beforeEach(() => {
    tree = makeFactTree();
  });
  afterEach(() => tree.remove());

  test('has speed and carrier where the driver knows them', () => {
    tree.write('sys/class/net/enp1s0/flags', '0x1003\n');
    tree.write('sys/class/net/enp1s0/address', '00:11:22:33:44:55\n');
    tree.write('sys/class/net/enp1s0/carrier', '1\n');
    tree.write('sys/class/net/enp1s0/speed', '1000\n');
    tree.write('sys/class/net/virt0/flags', '0x1002\n');
    tree.write('sys/class/net/virt0/address', '00:00:00:00:00:00\n');
    tree.write('sys/class/net/virt0/speed', '-1\n');
    tree.write('sys/class/net/bonding_masters', '\n');
    const { proc, sys, run, etc } = tree.context.paths;
    expect(readNetwork(proc, sys, run, etc, {})).toEqual({
      interfaces: [
        {
          name: 'enp1s0',
          mac: '00:11:22:33:44:55',
          up: true,
          carrier: true,
          speed_mbps: 1000,
          addresses: [],
        },
        { name: 'virt0', mac: null, up: false, carrier: false, speed_mbps: null, addresses: [] },
      ],
      primaryAddress: null,
      gateway: null,
      dns: [],
    });
  });

  test("the name servers are systemd-resolved's real ones, not its stub", () => {
    tree.write('etc/resolv.conf', 'nameserver 127.0.0.53\n');
    const { proc, sys, run, etc } = tree.context.paths;
    expect(readNetwork(proc, sys, run, etc, {}).dns).toEqual(['127.0.0.53']);
    tree.write(
      'run/systemd/resolve/resolv.conf',
      '# nameserver 9.9.9.9\nnameserver 10.0.2.3\nnameserver fe80::2%2\nnameserver 10.0.2.3\n',
    );
    expect(readNetwork(proc, sys, run, etc, {}).dns).toEqual(['10.0.2.3', 'fe80::2%2']);
  });
});
