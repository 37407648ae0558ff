import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as lab from './lab/network-lab.ts';
import { PING_BURST, PING_RATE_PER_SECOND } from './limits.ts';
import { type NftClient, nftClient } from './nft/client.ts';
import { firewallPolicyFor, NOTHING_CONFIGURED } from './policy.ts';
import { firewallTable } from './rules.ts';

/** Real packets through the rules that keep a host alive. DHCP with a real server is in dhcp.test.ts. */
const { APPLIANCE_IPV4, APPLIANCE_IPV6, LAN_IPV4, LAN_IPV6, LAB_INTERFACE } = lab;
const table = firewallTable(firewallPolicyFor(NOTHING_CONFIGURED));

let net: lab.NetworkLab;
let nft: NftClient;

beforeAll(async () => {
  net = await lab.startNetworkLab();
  nft = nftClient(net.appliance.run);
  await net.appliance.ask({ op: 'tcp-listen', port: 80 });
  await net.lan.ask({ op: 'tcp-listen', port: 443 });
});

afterAll(async () => {
  await net?.close();
});

describe('what a host needs to live', () => {
  beforeEach(() => nft.replace(table));

  /** The rules without those whose comment matches: shows that a probe fails when its rule is missing. */
  async function loadWithout(comment: RegExp): Promise<void> {
    const chains = table.chains.map((chain) => ({
      ...chain,
      rules: chain.rules.filter((rule) => !comment.test(rule.comment ?? '')),
    }));
    await nft.replace({ ...table, chains });
  }

  test('ping works in both directions, over IPv4 and IPv6', async () => {
    const pings = await Promise.all([
      ...[APPLIANCE_IPV4, APPLIANCE_IPV6].map((to) => net.lan.ping(to)),
      ...[LAN_IPV4, LAN_IPV6].map((to) => net.appliance.ping(to)),
    ]);
    expect(pings).toEqual([true, true, true, true]);
  });

  test('a flood of pings is answered up to the limit only, also by one and the same sender', async () => {
    const started = performance.now();
    const flood = await net.lan.run('busybox', ['ping', '-A', '-q', '-c', '300', '-w', '2', APPLIANCE_IPV4]);
    const seconds = (performance.now() - started) / 1000;
    const [, sent, answered] = /(\d+) packets transmitted, (\d+) packets received/.exec(flood.stdout) ?? [];
    expect(Number(sent)).toBeGreaterThan(Number(answered));
    expect(Number(answered)).toBeGreaterThanOrEqual(PING_BURST);
    expect(Number(answered)).toBeLessThanOrEqual(PING_BURST + PING_RATE_PER_SECOND * (seconds + 1));
  });

  test('IPv6 finds its neighbours anew after both sides forgot them, and only by the rule for it', async () => {
    const forget = () =>
      Promise.all(
        [net.appliance, net.lan].map((host) =>
          host.run('ip', ['-6', 'neigh', 'flush', 'dev', LAB_INTERFACE]),
        ),
      );
    await loadWithout(/neighbour and router discovery/);
    await forget();
    expect(await net.lan.connect(APPLIANCE_IPV6, 80)).toBe('timeout');
    expect(await net.appliance.connect(LAN_IPV6, 443)).toBe('timeout');
    await nft.replace(table);
    await forget();
    expect(await net.lan.connect(APPLIANCE_IPV6, 80)).toBe('open');
    await forget();
    expect(await net.appliance.connect(LAN_IPV6, 443)).toBe('open');
  });

  test('names and time are asked by UDP 53 and 123; other UDP does not leave', async () => {
    for (const port of [53, 123, 9999]) {
      await net.lan.ask({ op: 'udp-listen', address: '0.0.0.0', port });
      await net.lan.ask({ op: 'udp-listen', address: '::', port });
    }
    const send = async (to: string, port: number) => {
      const from = { address: to.includes(':') ? '::' : '0.0.0.0', port: 0 };
      const text = `ask-${to}`;
      return net.appliance.ask({ op: 'udp-send', from, to: { address: to, port }, text });
    };
    for (const to of [LAN_IPV4, LAN_IPV6]) {
      expect([await send(to, 53), await send(to, 123), await send(to, 9999)]).toEqual([
        'sent',
        'sent',
        'EPERM',
      ]);
    }
    const got = await net.lan.received(/ask-/, 4);
    expect(got.sort()).toEqual(
      [53, 123].flatMap((port) => [LAN_IPV4, LAN_IPV6].map((to) => `${port} ask-${to}`)).sort(),
    );
  });

  test('DHCP and mDNS packets pass in both directions, each by its rule', async () => {
    const link = async (host: lab.LabHost) => {
      const shown = await host.run('ip', [
        '-j',
        '-6',
        'address',
        'show',
        'dev',
        LAB_INTERFACE,
        'scope',
        'link',
      ]);
      const own = /"local":"(fe80::[0-9a-f:]+)"/.exec(shown.stdout)?.[1];
      expect(own).toBeDefined();
      return `${own}%${LAB_INTERFACE}`;
    };
    const [boxLink, lanLink] = [await link(net.appliance), await link(net.lan)];
    const mdns4 = { address: '224.0.0.251', interface: '' };
    const mdns6 = { address: 'ff02::fb', interface: `::%${LAB_INTERFACE}` };
    const dhcp6 = { address: 'ff02::1:2', interface: `::%${LAB_INTERFACE}` };
    for (const [host, own] of [
      [net.appliance, APPLIANCE_IPV4],
      [net.lan, LAN_IPV4],
    ] as const) {
      const [client4, client6] = host === net.appliance ? [68, 546] : [67, 547];
      await host.ask({ op: 'udp-listen', address: '0.0.0.0', port: client4 });
      await host.ask({
        op: 'udp-listen',
        address: '0.0.0.0',
        port: 5353,
        group: { ...mdns4, interface: own },
      });
      await host.ask({ op: 'udp-listen', address: '::', port: 5353, group: mdns6 });
      const group = host === net.lan ? { group: dhcp6 } : {};
      await host.ask({ op: 'udp-listen', address: '::', port: client6, ...group });
    }
    const any4 = (port: number) => ({ address: '0.0.0.0', port });
    const any6 = (port: number) => ({ address: '::', port });
    const exchange = async (tag: string) => {
      const datagrams = [
        [net.appliance, any4(68), { address: '255.255.255.255', port: 67 }, 'discover'],
        [net.lan, any4(67), { address: '255.255.255.255', port: 68 }, 'offer'],
        [net.appliance, any6(546), { address: `ff02::1:2%${LAB_INTERFACE}`, port: 547 }, 'solicit'],
        [net.lan, any6(547), { address: boxLink, port: 546 }, 'advertise'],
        [net.appliance, any4(5353), { address: '224.0.0.251', port: 5353 }, 'mdns4-out'],
        [net.lan, any4(5353), { address: '224.0.0.251', port: 5353 }, 'mdns4-in'],
        [net.appliance, any6(5353), { address: `ff02::fb%${LAB_INTERFACE}`, port: 5353 }, 'mdns6-out'],
        [net.lan, any6(5353), { address: `ff02::fb%${LAB_INTERFACE}`, port: 5353 }, 'mdns6-in'],
        // What only looks like it: another source port, another group, an address of the box itself.
        [net.lan, any4(4067), { address: '255.255.255.255', port: 68 }, 'fake-offer'],
        [net.lan, any6(4547), { address: boxLink, port: 546 }, 'fake-advertise'],
        [net.lan, any4(5353), { address: APPLIANCE_IPV4, port: 5353 }, 'fake-mdns4'],
        [net.lan, any6(5353), { address: boxLink, port: 5353 }, 'fake-mdns6'],
        [net.appliance, any4(4068), { address: LAN_IPV4, port: 67 }, 'fake-discover'],
        [net.appliance, any6(5353), { address: lanLink, port: 5353 }, 'fake-mdns6-out'],
      ] as const;
      for (const [from, source, to, name] of datagrams) {
        const broadcast = to.address === '255.255.255.255';
        const outcome = await from.ask({
          ...{ op: 'udp-send', from: source, to, text: `${name}-${tag}`, broadcast },
          ...(to.address === '224.0.0.251'
            ? { multicastInterface: from === net.lan ? LAN_IPV4 : APPLIANCE_IPV4 }
            : {}),
        } as const);
        // From the LAN nothing holds a packet back; the box may refuse its own with EPERM.
        expect(from === net.lan ? ['sent'] : ['sent', 'EPERM']).toContain(outcome);
      }
      const atBox = await net.appliance.received(new RegExp(`-${tag}$`), 0);
      const atLan = await net.lan.received(new RegExp(`-${tag}$`), 0);
      // A multicast also comes back to its sender, so only what reached the other side counts.
      const passed = datagrams.filter(([from, , , name]) =>
        (from === net.appliance ? atLan : atBox).some((text) => text.endsWith(` ${name}-${tag}`)),
      );
      return passed.map(([, , , name]) => name);
    };
    // The first packet to a neighbour may wait for its discovery; what is asked here is whether the firewall lets it pass.
    await net.lan.run('busybox', ['ping', '-c', '1', '-W', '3', boxLink]);
    expect(await exchange('whole')).toEqual([
      ...['discover', 'offer', 'solicit', 'advertise'],
      ...['mdns4-out', 'mdns4-in', 'mdns6-out', 'mdns6-in'],
    ]);
    await loadWithout(/DHCP|mDNS/);
    expect(await exchange('reduced')).toEqual([]);
  });
});
