import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runOrThrow } from '../../base/run.ts';
import * as lab from './lab/network-lab.ts';
import {
  PAGE_CONNECTIONS_MAX,
  PAGE_CONNECTIONS_PER_SOURCE_MAX,
  SENSOR_HTTP_CONNECTIONS_PER_SOURCE_MAX,
  SSH_BURST,
} from './limits.ts';
import { canonicalDefinition } from './nft/canonical.ts';
import { type NftClient, nftClient } from './nft/client.ts';
import { tableDifferences } from './nft/compare.ts';
import { type FirewallNeeds, firewallPolicyFor, NOTHING_CONFIGURED } from './policy.ts';
import { emergencyTable, firewallTable } from './rules.ts';

/** Real packets between two network namespaces through the rules that ship; a dropped packet is a time-out. */
const { APPLIANCE_IPV4, APPLIANCE_IPV6, LAN_IPV4, LAN_IPV6 } = lab;
/** Port 12345 and 25 stand for everything that is not listed. */
const INBOUND_PORTS = [22, 80, 8080, 50_051, 12_345];
const OUTBOUND_PORTS = [25, 53, 80, 443, 5985, 5986, 8443];

let net: lab.NetworkLab;
let nft: NftClient;

beforeAll(async () => {
  net = await lab.startNetworkLab();
  nft = nftClient(net.appliance.run);
  for (const port of INBOUND_PORTS) await net.appliance.ask({ op: 'tcp-listen', port });
  for (const port of OUTBOUND_PORTS) await net.lan.ask({ op: 'tcp-listen', port });
});

afterAll(async () => {
  await net?.close();
});

const load = (needs: Partial<FirewallNeeds> = {}) =>
  nft.replace(firewallTable(firewallPolicyFor({ ...NOTHING_CONFIGURED, ...needs })));

/** The ports of a list that accept a connection on both addresses; fails when the families differ. */
async function openOn(
  from: lab.LabHost,
  addresses: readonly string[],
  ports: readonly number[],
): Promise<number[]> {
  const outcomes = await Promise.all(
    addresses.map((address) => Promise.all(ports.map((port) => from.connect(address, port)))),
  );
  expect(new Set(outcomes.flat()).difference(new Set(['open', 'timeout']))).toEqual(new Set());
  for (const other of outcomes) expect(other).toEqual(outcomes[0]);
  return ports.filter((_, at) => outcomes[0]?.[at] === 'open');
}

const inbound = () => openOn(net.lan, [APPLIANCE_IPV4, APPLIANCE_IPV6], INBOUND_PORTS);
const outbound = () => openOn(net.appliance, [LAN_IPV4, LAN_IPV6], OUTBOUND_PORTS);

describe('connections', () => {
  test('without rules reach every listener, so that a time-out below means the firewall', async () => {
    await nft.remove(firewallTable(firewallPolicyFor(NOTHING_CONFIGURED)));
    expect(await inbound()).toEqual(INBOUND_PORTS);
    expect(await outbound()).toEqual(OUTBOUND_PORTS);
  });

  test('reach only port 80 when nothing is configured, over IPv4 and IPv6', async () => {
    await load();
    expect(await inbound()).toEqual([80]);
  });

  test('reach port 22 once SSH is configured, and 8080 and 50051 once the sensor services run', async () => {
    await load({ sshEnabled: true });
    expect(await inbound()).toEqual([22, 80]);
    await load({ sensorsEnabled: true });
    expect(await inbound()).toEqual([80, 8080, 50_051]);
  });

  test('from the appliance reach DNS, HTTPS and WinRM and nothing else', async () => {
    await load();
    expect(await outbound()).toEqual([53, 443, 5985, 5986]);
  });

  test('from the appliance reach the port of the coordinator as well', async () => {
    await load({ coordinatorPort: 8443 });
    expect(await outbound()).toEqual([53, 443, 5985, 5986, 8443]);
  });

  test('from the appliance reach the port of a declared machine at its own address only', async () => {
    await load({ targets: [{ address: LAN_IPV4, port: 25 }] });
    expect(await net.appliance.connect(LAN_IPV4, 25)).toBe('open');
    expect(await net.appliance.connect(LAN_IPV6, 25)).toBe('timeout');
    expect(await net.appliance.connect(LAN_IPV4, 8443)).toBe('timeout');
  });

  test('over loopback reach everything', async () => {
    await load();
    expect(await openOn(net.appliance, ['127.0.0.1', '::1'], INBOUND_PORTS)).toEqual(INBOUND_PORTS);
  });

  test('under the emergency rules reach the status page and go out by HTTPS', async () => {
    await nft.replace(emergencyTable(80));
    expect(await inbound()).toEqual([80]);
    expect(await outbound()).toEqual([53, 443]);
    expect(await net.lan.ping(APPLIANCE_IPV6)).toBe(true);
  });

  test('stay alive while the rules are replaced, even when their port is closed to new ones', async () => {
    await load({ sshEnabled: true });
    const held = { name: 'ssh', host: APPLIANCE_IPV4, port: 22, timeout_ms: lab.PROBE_TIMEOUT_MS };
    expect(await net.lan.ask({ op: 'tcp-hold', ...held })).toBe('open');
    const echo = (text: string) => net.lan.ask({ op: 'tcp-echo', name: 'ssh', text, timeout_ms: 500 });
    expect(await echo('before')).toBe('before');
    await load();
    expect(await echo('after')).toBe('after');
    expect(await net.lan.connect(APPLIANCE_IPV4, 22)).toBe('timeout');
  });

  test('find no gap while the rules are replaced', async () => {
    await load();
    await net.appliance.ask({ op: 'udp-listen', address: '0.0.0.0', port: 12_346 });
    let replacing = true;
    const replacements = (async () => {
      for (let round = 0; round < 10; round += 1) await load({ sshEnabled: round % 2 === 0 });
      replacing = false;
    })();
    let sent = 0;
    while (replacing) {
      sent += 1;
      const to = { address: APPLIANCE_IPV4, port: 12_346 };
      await net.lan.ask({ op: 'udp-send', from: { address: '0.0.0.0', port: 40_000 }, to, text: 'gap' });
    }
    await replacements;
    expect(sent).toBeGreaterThan(50);
    expect(await net.appliance.received(/^12346 /, 0)).toEqual([]);
  });
});

describe('the brake on port 22', () => {
  const connects = (to: string, times: number, port = 22) =>
    Promise.all(Array.from({ length: times }, () => net.lan.connect(to, port)));
  const ip = (host: lab.LabHost, command: string) => runOrThrow(host.run, 'ip', command.split(' '));
  const open = (outcomes: string[]) => outcomes.filter((outcome) => outcome === 'open').length;

  test('stops one address after a burst, and neither other addresses nor other ports', async () => {
    await load({ sshEnabled: true });
    // A second pair of addresses, so that the same host appears as somebody else.
    await ip(net.appliance, 'address add 198.51.100.10/24 dev eth0');
    await ip(net.lan, 'address add 198.51.100.1/24 dev eth0');
    const outcomes = await connects(APPLIANCE_IPV4, SSH_BURST + 8);
    expect(open(outcomes)).toBe(SSH_BURST);
    const [page, other] = await Promise.all([
      connects(APPLIANCE_IPV4, 5, 80),
      connects('198.51.100.10', SSH_BURST - 1),
    ]);
    expect(open(page)).toBe(5);
    expect(open(other)).toBe(SSH_BURST - 1);
  });

  test('counts all IPv6 addresses of a /64 as one, and another /64 for itself', async () => {
    await load({ sshEnabled: true });
    await ip(net.appliance, 'address add 2001:db8:0:1::10/64 dev eth0 nodad');
    await ip(net.lan, 'address add 2001:db8:0:1::1/64 dev eth0 nodad');
    await ip(net.appliance, 'address add 2001:db8::11/64 dev eth0 nodad');
    await ip(net.lan, 'address add 2001:db8::2/64 dev eth0 nodad');
    // Half of the connections from one address, half from another of the same /64: each target has a route of its own.
    await ip(net.lan, '-6 route add 2001:db8::10/128 dev eth0 src 2001:db8::1');
    await ip(net.lan, '-6 route add 2001:db8::11/128 dev eth0 src 2001:db8::2');
    expect(await ip(net.lan, '-6 route get 2001:db8::10')).toContain('src 2001:db8::1 ');
    expect(await ip(net.lan, '-6 route get 2001:db8::11')).toContain('src 2001:db8::2 ');
    const [first, second, elsewhere] = await Promise.all([
      connects(APPLIANCE_IPV6, SSH_BURST),
      connects('2001:db8::11', SSH_BURST),
      connects('2001:db8:0:1::10', SSH_BURST - 1),
    ]);
    expect(open([...first, ...second])).toBe(SSH_BURST);
    expect(open(elsewhere)).toBe(SSH_BURST - 1);
  });
});

describe('connections that stay open', () => {
  const ip = (host: lab.LabHost, command: string) => runOrThrow(host.run, 'ip', command.split(' '));
  let held = 0;
  const hold = (port: number, host: string, from?: string) => {
    held += 1;
    const name = `held ${held}`;
    const where = {
      name,
      host,
      port,
      timeout_ms: lab.PROBE_TIMEOUT_MS,
      ...(from === undefined ? {} : { from }),
    };
    return net.lan.ask({ op: 'tcp-hold', ...where }).then((outcome) => ({ name, outcome }));
  };
  const holdMany = (count: number, ...where: Parameters<typeof hold>) =>
    Promise.all(Array.from({ length: count }, () => hold(...where)));
  const open = (all: { name: string; outcome: unknown }[]) => all.filter(({ outcome }) => outcome === 'open');
  const release = (all: { name: string }[]) =>
    Promise.all(all.map(({ name }) => net.lan.ask({ op: 'tcp-release', name })));

  test('are so many of one address and no more, until one of them ends', async () => {
    await load({ sensorsEnabled: true });
    await ip(net.lan, 'address add 192.0.2.2/24 dev eth0');
    const all = await holdMany(SENSOR_HTTP_CONNECTIONS_PER_SOURCE_MAX + 8, 8080, APPLIANCE_IPV4);
    expect(open(all)).toHaveLength(SENSOR_HTTP_CONNECTIONS_PER_SOURCE_MAX);
    // Neither other addresses, nor other ports, nor the machine itself.
    const others = [
      hold(8080, APPLIANCE_IPV4, '192.0.2.2'),
      hold(50_051, APPLIANCE_IPV4),
      hold(80, APPLIANCE_IPV4),
    ];
    expect(open(await Promise.all(others))).toHaveLength(3);
    expect(await net.appliance.connect('127.0.0.1', 8080)).toBe('open');
    // What traffic has taught the sets is no difference to what was loaded.
    const table = firewallTable(firewallPolicyFor({ ...NOTHING_CONFIGURED, sensorsEnabled: true }));
    expect(tableDifferences(canonicalDefinition(table), await nft.read(table))).toEqual([]);
    await release(open(all).slice(0, 1));
    await expect
      .poll(async () => (await hold(8080, APPLIANCE_IPV4)).outcome, { timeout: 10_000 })
      .toBe('open');
    expect((await hold(8080, APPLIANCE_IPV4)).outcome).toBe('timeout');
    await release([...all, ...(await Promise.all(others))]);
  });

  test('of all IPv6 addresses of a /64 count as of one', async () => {
    await load({ sensorsEnabled: true });
    for (const end of ['21', '22']) await ip(net.lan, `address add 2001:db8::${end}/64 dev eth0 nodad`);
    const half = SENSOR_HTTP_CONNECTIONS_PER_SOURCE_MAX / 2;
    const [first, second] = await Promise.all([
      holdMany(half + 4, 8080, APPLIANCE_IPV6, '2001:db8::21'),
      holdMany(half + 4, 8080, APPLIANCE_IPV6, '2001:db8::22'),
    ]);
    expect(open([...first, ...second])).toHaveLength(SENSOR_HTTP_CONNECTIONS_PER_SOURCE_MAX);
    expect((await hold(8080, APPLIANCE_IPV4)).outcome).toBe('open');
    await release([...first, ...second]);
  });

  test('are so many of all addresses together and no more', async () => {
    await load();
    const sources = PAGE_CONNECTIONS_MAX / PAGE_CONNECTIONS_PER_SOURCE_MAX + 1;
    const all: Awaited<ReturnType<typeof holdMany>> = [];
    for (let host = 100; host < 100 + sources; host += 1) {
      await ip(net.lan, `address add 192.0.2.${host}/24 dev eth0`);
      all.push(...(await holdMany(PAGE_CONNECTIONS_PER_SOURCE_MAX, 80, APPLIANCE_IPV4, `192.0.2.${host}`)));
    }
    expect(open(all)).toHaveLength(PAGE_CONNECTIONS_MAX);
    await release(all);
  });
});
