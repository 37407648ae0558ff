import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { parseConfigText } from '../config/parse.ts';
import { NETWORK_FILE_PATTERN, networkFiles } from './networkd.ts';
import { wifiConfigText, wpaKey } from './wifi.ts';

const files = (yaml: string) => networkFiles(parseConfigText(yaml, 'c.yaml').config.network);
const FIXED = `
network:
  interfaces:
    - match: 00-11-22-33-44-AA
      addresses: [192.168.1.10/24, "2001:db8::10/64"]
      gateway: 192.168.1.1
      dns: [192.168.1.1, 9.9.9.9]
    - {match: enp2s0, dhcp: true, dns: [10.0.0.53]}
`;

it('asks for DHCP on every ethernet when nothing is configured', () => {
  expect(files('')).toEqual([
    {
      name: '80-bulkhead-ethernet.network',
      content: `# Made by \`bulkhead setup\` from the configuration at each boot. Changes here are lost.
[Match]
Type=ether
Kind=!*

[Network]
DHCP=yes
LinkLocalAddressing=yes
IPv6AcceptRA=yes
MulticastDNS=yes
LLMNR=no

[DHCPv4]
ClientIdentifier=mac
UseHostname=no

[DHCPv6]
UseHostname=no
`,
    },
  ]);
});

it('renders fixed addresses for one interface and keeps DHCP for the others', () => {
  const [fixed, mixed, rest, ...more] = files(FIXED);
  expect(fixed).toEqual({
    name: '10-bulkhead-interface.network',
    content: `# Made by \`bulkhead setup\` from the configuration at each boot. Changes here are lost.
[Match]
MACAddress=00:11:22:33:44:aa

[Network]
DHCP=no
LinkLocalAddressing=ipv6
IPv6AcceptRA=yes
MulticastDNS=yes
LLMNR=no
Address=192.168.1.10/24
Address=2001:db8::10/64
Gateway=192.168.1.1
DNS=192.168.1.1
DNS=9.9.9.9

[IPv6AcceptRA]
DHCPv6Client=no
`,
  });
  expect(mixed?.content).toMatch(/\[Match\]\nName=enp2s0\n.*DHCP=yes\n.*DNS=10\.0\.0\.53\n/s);
  expect(rest).toEqual(files('')[0]);
  expect(more).toEqual([]);
});

it('adds the wireless card only when there is a profile, behind the cable', () => {
  const wireless = files('network: {wifi: {ssid: a, passphrase: 12345678}}').at(-1);
  expect(wireless?.name).toBe('81-bulkhead-wireless.network');
  expect(wireless?.content).toContain('[Match]\nType=wlan\n');
  expect(wireless?.content.match(/RouteMetric=2048/g)).toHaveLength(2);
});

it('gives every file a name that it recognises as its own', () => {
  const many = Array.from({ length: 16 }, (_, index) => `    - {match: eth${index}}`).join('\n');
  const all = files(`network:\n  wifi: {ssid: a, passphrase: 12345678}\n  interfaces:\n${many}\n`);
  expect(all).toHaveLength(18);
  expect(new Set(all.map(({ name }) => name)).size).toBe(18);
  for (const { name } of all) expect(name).toMatch(NETWORK_FILE_PATTERN);
});

it('writes a profile that needs no quoting for the name and WPA3 where it can', () => {
  expect(wifiConfigText({ ssid: 'Bär "1"\n}', passphrase: 'pass word#1', country: 'DE' })).toBe(
    `# Made by \`bulkhead setup\` from the configuration at each boot. Changes here are lost.
update_config=0
country=DE
network={
  ssid=42c3a4722022312 20a7d
  scan_ssid=1
  key_mgmt=WPA-PSK WPA-PSK-SHA256 SAE
  ieee80211w=1
  psk="pass word#1"
}
`.replace('2 20a7d', '220a7d'),
  );
});

it('derives the key where the passphrase could not stand between quotes', () => {
  // IEEE 802.11-2020, annex J.4.2, test vector 1
  expect(wpaKey('IEEE', 'password')).toBe('f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e');
  const text = wifiConfigText({ ssid: 'IEEE', passphrase: 'quo"te#12', country: null });
  expect(text).toContain(`  psk=${wpaKey('IEEE', 'quo"te#12')}\n`);
  expect(text).not.toContain('SAE');
  const hex = 'AB'.repeat(32);
  expect(wifiConfigText({ ssid: 'x', passphrase: hex, country: null })).toContain(
    `  psk=${hex.toLowerCase()}\n`,
  );
});

const NETWORKD = '/lib/systemd/systemd-networkd';
const canTry = process.getuid?.() === 0 && existsSync(NETWORKD);

it.skipIf(!canTry)('is understood by systemd-networkd: the fixed addresses appear on the interface', () => {
  const folder = makeFolder('networkd');
  for (const { name, content } of files(FIXED.replace('00-11-22-33-44-AA', 'enp1s0')))
    writeFileSync(join(folder, name), content);
  // A network of its own with its own /run and machine id; everything ends with the name spaces.
  const script = `
    # A read-only /sys says that no udev will announce the interface.
    mount -t sysfs -o ro sysfs /sys; mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/network /run/systemd/netif && chown systemd-network: /run/systemd/netif
    cp ${folder}/* /run/systemd/network/ && chmod 644 /run/systemd/network/*
    echo 0123456789abcdef0123456789abcdef >/run/machine-id && mount --bind /run/machine-id /etc/machine-id
    ip link add enp1s0 type veth peer name far && ip link set far up
    SYSTEMD_LOG_LEVEL=info ${NETWORKD} >/run/log 2>&1 &
    for wait in $(seq 100); do
      ip -o -4 addr show dev enp1s0 | grep -q 192.168.1.10 && ip -o -6 addr show dev enp1s0 | grep -q 2001:db8::10 && ip route | grep -q default && break
      sleep 0.1
    done
    ip -o addr show dev enp1s0; ip route; cat /run/log; kill %1; wait`;
  const out = execFileSync(
    'unshare',
    ['--mount', '--net', '--pid', '--fork', '--mount-proc', 'bash', '-c', script],
    {
      encoding: 'utf8',
      timeout: 18_000,
    },
  );
  expect(out).toContain('192.168.1.10/24');
  expect(out).toContain('2001:db8::10/64');
  expect(out).toContain('default via 192.168.1.1 dev enp1s0');
  expect(out).not.toMatch(/Unknown (key|section)|Failed to parse|Invalid/);
});
