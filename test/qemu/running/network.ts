import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readPackets } from '../harness/pcap.ts';
import { answerOf } from '../harness/tcp.ts';
import { type Box, OUTSIDE, ROUTER, SILENT_PORTS } from './box.ts';

/** An answer through QEMU's network takes 0.2 s here; a silence has to last this long to count as one. */
const PATIENCE_MS = 10_000;
/** Handed out by systemd-networkd and systemd-resolved for themselves; everything else that listens has to be wanted. */
const OWN_SOCKETS = [
  /^udp \S*:68 systemd-network$/,
  /^udp \S*:546 systemd-network$/,
  /^(tcp|udp) 127\.0\.0\.5[34](%lo)?:53 systemd-resolve$/,
  // mDNS: http://<name>.local/ is how a person finds the page.
  /^udp \S*:5353 systemd-resolve$/,
];
/** The second is not on the list of ports that the appliance may reach. */
const [LISTED_PORT, UNLISTED_PORT] = OUTSIDE.ports;

/** As the page names what the firewall lets in. */
const OPEN_PORTS = ['tcp/22', 'tcp/80', 'tcp/8080', 'tcp/50051'];

/** Opens a TCP connection from inside and prints what it hears. */
const dial = (port: number) => `timeout 8 bash -c 'exec 3<>/dev/tcp/${OUTSIDE.address}/${port} && cat <&3'`;

export function describeNetwork(box: () => Box): void {
  describe('the network', () => {
    test('page, sensors and SSH answer from outside, and no other port says a word', async () => {
      const { machine } = box();
      const page = await answerOf(machine.hostPort(80), 'GET /healthz HTTP/1.0\r\n\r\n', PATIENCE_MS);
      expect(page).toMatch(/^HTTP\/1\.[01] 200/);
      const sensors = await answerOf(machine.hostPort(8080), 'GET /health HTTP/1.0\r\n\r\n', PATIENCE_MS);
      expect(sensors).toMatch(/^HTTP\/1\.[01] 200/);
      expect(await answerOf(machine.hostPort(22), 'SSH-2.0-test\r\n', PATIENCE_MS)).toMatch(/^SSH-2\.0-/);
      const answers = await Promise.all(
        SILENT_PORTS.map((port) => answerOf(machine.hostPort(port), 'GET / HTTP/1.0\r\n\r\n', PATIENCE_MS)),
      );
      expect(answers).toEqual(SILENT_PORTS.map(() => ''));
      const packets = readPackets(readFileSync(box().capture));
      const knocked = packets.filter((packet) => packet.opens && isSilent(packet.destinationPort));
      expect(new Set(knocked.map((packet) => packet.destinationPort))).toEqual(new Set(SILENT_PORTS));
      // Not even a reset: a scan learns nothing, not even that there is a closed port.
      expect(packets.filter((packet) => packet.protocol === 'tcp' && isSilent(packet.sourcePort))).toEqual(
        [],
      );
    });

    test('nothing listens but page, sensors, SSH and what name resolution and DHCP need, and the page says which are open', async () => {
      const sockets = parseSockets(await box().sh('ss -tulpnH'));
      const others = sockets.filter((socket) => !OWN_SOCKETS.some((own) => own.test(socket)));
      expect([...new Set(others.map((socket) => socket.replace(/ \S*:(\d+) /, ' :$1 ')))].sort()).toEqual([
        'tcp :22 sshd',
        'tcp :50051 bulkhead',
        'tcp :80 bulkhead',
        'tcp :8080 bulkhead',
      ]);
      expect((await box().status()).firewall).toMatchObject({
        loaded: true,
        openPorts: OPEN_PORTS,
      });
    });

    test('what the firewall has loaded is what the page says, and every direction drops by default', async () => {
      const { firewall } = await box().status();
      const { nftables } = JSON.parse(await box().sh('nft -j list ruleset')) as { nftables: NftEntry[] };
      const chains = nftables.flatMap(({ chain }) => (chain ? [chain] : []));
      expect(chains.map(({ table, name, policy }) => `${table} ${name} ${policy}`).sort()).toEqual([
        'bulkhead forward drop',
        'bulkhead input drop',
        'bulkhead output drop',
      ]);
      expect(nftables.filter(({ rule }) => rule)).toHaveLength(firewall.rules);
      const checked = JSON.parse(await box().sh('bulkhead firewall check --json')) as Record<string, unknown>;
      expect(checked).toMatchObject({ loaded: true, drift: false, digest: firewall.digest });
    });

    test('whatever left the machine since it was switched on is on the list', () => {
      const sent = readPackets(readFileSync(box().capture)).filter(
        ({ source, protocol, opens }) => isOurs(source) && (protocol === 'udp' || opens),
      );
      const kinds = new Set(sent.map(({ protocol, destinationPort }) => `${protocol}/${destinationPort}`));
      const allowed = ['udp/53', 'udp/67', 'udp/123', 'udp/547', 'udp/5353', 'tcp/53', 'tcp/443'];
      expect([...kinds].filter((kind) => !allowed.includes(kind))).toEqual([]);
      expect(kinds).toContain('udp/67');
    });

    test('a connection to a listed port leaves, one to any other port does not', async () => {
      expect(await box().sh(dial(LISTED_PORT))).toBe(OUTSIDE.greeting);
      const refused = await box().try(dial(UNLISTED_PORT));
      expect(refused.code).not.toBe(0);
      expect(refused.stdout).toBe('');
      const asked = readPackets(readFileSync(box().capture)).filter(({ opens }) => opens);
      const ports = new Set(
        asked.filter(({ source }) => source === '10.0.2.15').map((each) => each.destinationPort),
      );
      expect(ports).toContain(LISTED_PORT);
      expect(ports).not.toContain(UNLISTED_PORT);
      // The server is there: with the rules out of the way for a moment the same connection is answered.
      try {
        await box().sh('nft delete table inet bulkhead');
        expect(await box().sh(dial(UNLISTED_PORT))).toBe(OUTSIDE.greeting);
      } finally {
        await box().sh('bulkhead firewall apply');
      }
    });

    test('rules that somebody takes away are missed by the page within one look, and stand there again once loaded', async () => {
      const look = () => box().try('systemctl start msp-health-observe');
      try {
        await box().sh('nft delete table inet bulkhead');
        await look();
        const gone = await box().statusWhere(({ firewall }) => firewall.loaded === false);
        expect(gone.firewall).toMatchObject({ rules: 0, digest: null, openPorts: [] });
        expect(gone.health.outcome).toBe('unhealthy');
      } finally {
        await box().sh('bulkhead firewall apply');
      }
      await look();
      const back = await box().statusWhere(({ firewall }) => firewall.loaded === true);
      expect(back.firewall.openPorts).toEqual(OPEN_PORTS);
      await box().statusWhere(({ health }) => health.outcome === 'healthy');
    });

    test('the DNS server of the network is asked and its answer arrives', async () => {
      const before = dnsAnswers(box());
      // Whether the name exists out there is not this appliance's doing; that an answer comes back is.
      await box().try('timeout 20 resolvectl query --cache=no --type=A example.com');
      expect(dnsAnswers(box())).toBeGreaterThan(before);
      expect((await box().status()).network.dns).toEqual(['10.0.2.3']);
    });

    test('the DHCP lease is there and is renewed through the firewall', async () => {
      const { network } = await box().status();
      expect(network).toMatchObject({ primaryAddress: '10.0.2.15', gateway: ROUTER });
      const name = network.interfaces[0]?.name ?? '';
      const requests = () => dhcpSent(box());
      const before = requests();
      await box().sh(`networkctl renew ${name}`);
      await expect.poll(requests, { timeout: 60_000 }).toBeGreaterThan(before);
      await expect
        .poll(() => box().sh(`networkctl status ${name} --no-pager`), { timeout: 60_000 })
        .toMatch(/Address: 10\.0\.2\.15 \(DHCPv4/);
    });

    test('loopback works, and IPv6 neighbours find each other through the firewall', async () => {
      await box().sh(
        `test "$(bash -c 'exec 3<>/dev/tcp/127.0.0.1/80; printf "GET /healthz HTTP/1.0\\r\\n\\r\\n" >&3; head -c 12 <&3')" = "HTTP/1.1 200"`,
      );
      await box().sh('ip -6 neigh flush to fec0::2');
      // Port 443 is one of those that may leave. Nobody need answer there: finding the neighbour is what counts.
      await box().try("timeout 5 bash -c 'echo >/dev/tcp/fec0::2/443'");
      expect(await box().sh('ip -6 neigh show fec0::2')).toMatch(/lladdr .* (REACHABLE|STALE|DELAY|PROBE)/);
      const types = new Set(readPackets(readFileSync(box().capture)).map(({ icmpType }) => icmpType));
      expect(types).toContain(NEIGHBOUR_SOLICITATION);
      expect(types).toContain(NEIGHBOUR_ADVERTISEMENT);
    });
  });
}

const NEIGHBOUR_SOLICITATION = 135;
const NEIGHBOUR_ADVERTISEMENT = 136;

interface NftEntry {
  chain?: { table: string; name: string; policy: string };
  rule?: object;
}

const isSilent = (port: number) => (SILENT_PORTS as readonly number[]).includes(port);
/** The address by DHCP, before it 0.0.0.0, and every IPv6 address that is not QEMU's (fe80::2 and fec0::2). */
const isOurs = (source: string) =>
  source === '10.0.2.15' || source === '0.0.0.0' || (source.length === 32 && !/0{15}2$/.test(source));

const dnsAnswers = (box: Box) =>
  readPackets(readFileSync(box.capture)).filter(
    ({ protocol, source, sourcePort }) => protocol === 'udp' && source === '10.0.2.3' && sourcePort === 53,
  ).length;

const dhcpSent = (box: Box) =>
  readPackets(readFileSync(box.capture)).filter(
    ({ protocol, destinationPort }) => protocol === 'udp' && destinationPort === 67,
  ).length;

/** Lines of `ss -tulpnH` as `tcp ADDRESS:PORT PROGRAM`. */
function parseSockets(text: string): string[] {
  return text.split('\n').map((line) => {
    const [protocol, , , , local] = line.trim().split(/\s+/);
    return `${protocol} ${local} ${/users:\(\("([^"]+)"/.exec(line)?.[1] ?? 'nobody'}`;
  });
}
