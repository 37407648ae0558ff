import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LAB_INTERFACE, type NetworkLab, startNetworkLab } from './lab/network-lab.ts';
import { nftClient } from './nft/client.ts';
import type { TableDefinition } from './nft/types.ts';
import { firewallPolicyFor, NOTHING_CONFIGURED } from './policy.ts';
import { firewallTable } from './rules.ts';

/** A real DHCP server and router (dnsmasq) on one side, a real client (udhcpc) behind the firewall on the other. */
let net: NetworkLab;
let folder: string;
/** What the programs said; shown when something they should say does not come. */
let said = '';

beforeEach(async () => {
  said = '';
  folder = mkdtempSync(join(tmpdir(), 'firewall-dhcp-'));
  net = await startNetworkLab();
  // Not in the prefix the router announces, so that what appears there was announced.
  await net.lan.run('ip', ['address', 'add', '2001:db8:0:7::1/64', 'dev', LAB_INTERFACE, 'nodad']);
});

afterEach(async () => {
  await net?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Collects what a program says until a text matches. */
function listen(child: ReturnType<NetworkLab['lan']['spawn']>) {
  for (const stream of [child.stdout, child.stderr]) {
    void stream.pipeTo(
      new WritableStream({
        write(chunk) {
          said += new TextDecoder().decode(chunk);
        },
      }),
    );
  }
}

async function until(pattern: RegExp, timeout_ms: number): Promise<void> {
  const deadline = performance.now() + timeout_ms;
  while (!pattern.test(said)) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${pattern}, heard:\n${said}`);
    await Bun.sleep(20);
  }
}

function startServer(): void {
  const nothing = join(folder, 'dnsmasq.conf');
  writeFileSync(nothing, '');
  listen(
    net.lan.spawn('dnsmasq', [
      ...['--keep-in-foreground', `--conf-file=${nothing}`, '--port=0', '--log-facility=-', '--user=root'],
      ...[`--interface=${LAB_INTERFACE}`, `--dhcp-leasefile=${join(folder, 'leases')}`, '--log-dhcp'],
      ...['--dhcp-range=192.0.2.100,192.0.2.150,2m', '--no-ping', '--dhcp-authoritative', '--enable-ra'],
      ...['--dhcp-range=2001:db8:0:7::,ra-only', `--pid-file=${join(folder, 'pid')}`],
    ]),
  );
}

function startClient() {
  const script = join(folder, 'event.sh');
  const configure = '[ "$1" = bound ] && ip address add "$ip/24" dev "$interface"';
  writeFileSync(script, `#!/bin/sh\n${configure}\necho "event $1 $ip"\n`, { mode: 0o755 });
  const options = ['-f', '-i', LAB_INTERFACE, '-s', script, '-t', '20', '-T', '1', '-A', '1'];
  const client = net.appliance.spawn('busybox', ['udhcpc', ...options]);
  listen(client);
  return client;
}

async function leaseThenRenew(table: TableDefinition): Promise<void> {
  await nftClient(net.appliance.run).replace(table);
  startServer();
  await until(/IPv6 router advertisement enabled/, 5000);
  const client = startClient();
  await until(/event bound 192\.0\.2\.1\d\d/, 8000);
  // udhcpc asks raw until it has an address, past any firewall. Its renewal is plain UDP and needs the rules; refused, it goes
  // back to raw broadcasts, so it matters what it was told.
  client.kill('SIGUSR1');
}

const announcedAddress = async () =>
  (await net.appliance.run('ip', ['-6', 'address', 'show', 'dynamic'])).stdout.includes('2001:db8:0:7:');

describe('behind the firewall', () => {
  const table = firewallTable(firewallPolicyFor(NOTHING_CONFIGURED));

  test('a DHCP lease is renewed, and a router advertisement gives an IPv6 address', async () => {
    await leaseThenRenew(table);
    await until(/event renew 192\.0\.2\.1\d\d/, 5000);
    // Not that it heard the first answer: udhcpc may miss one that comes before it has opened its socket for it.
    expect(said).toContain('sending renew to server 192.0.2.1');
    expect(said).not.toContain('Operation not permitted');
    await expect.poll(announcedAddress, { timeout: 8000, interval: 100 }).toBe(true);
  });

  test('neither happens without the rules for it, so the test above can fail', async () => {
    const chains = table.chains.map(({ rules, ...chain }) => ({
      ...chain,
      rules: rules.filter((rule) => !/DHCP|router discovery/.test(rule.comment ?? '')),
    }));
    await leaseThenRenew({ ...table, chains });
    await until(/RTR-ADVERT/, 5000);
    await until(/sending renew to server 192\.0\.2\.1\s+udhcpc: write: Operation not permitted/, 5000);
    // Enough for an address to appear if the advertisement had come through: above it takes milliseconds.
    await Bun.sleep(300);
    expect(await announcedAddress()).toBe(false);
  });
});
