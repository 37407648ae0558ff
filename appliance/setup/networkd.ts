import { isMac } from '../config/checks.ts';
import type { Config, InterfaceConfig } from '../config/schema.ts';
import { WIFI_ROUTE_METRIC } from './limits.ts';

/** A file of systemd-networkd by its name. */
export interface NetworkFile {
  name: string;
  content: string;
}

/** Every file of ours starts so and is removed when it is no longer wanted; the numbers put entries before the default. */
export const NETWORK_FILE_PATTERN = /^\d\d-bulkhead-[a-z0-9-]+\.network$/;

const HEADER = '# Made by `bulkhead setup` from the configuration at each boot. Changes here are lost.';

/**
 * The files of systemd.network(5): one for each configured interface, then DHCP for every other ethernet (so an entry
 * that matches nothing leaves the box reachable), then the wireless card when a profile exists.
 */
export function networkFiles(network: Config['network']): NetworkFile[] {
  const files = network.interfaces.map((entry, index) => ({
    name: `${10 + index}-bulkhead-interface.network`,
    content: interfaceFile(entry),
  }));
  // Kind=!* leaves out bridges and other virtual interfaces, which call themselves ether as well.
  files.push({ name: '80-bulkhead-ethernet.network', content: render('Type=ether\nKind=!*', DHCP_ANY) });
  if (network.wifi) {
    files.push({ name: '81-bulkhead-wireless.network', content: render('Type=wlan', DHCP_WIRELESS) });
  }
  return files;
}

interface Sections {
  network: string[];
  dhcp4: string[];
  dhcp6: string[];
  ra: string[];
}

/**
 * Common to all: the box answers to its name by mDNS, takes IPv6 from router announcements, and falls back to a link-local
 * IPv4 address when no DHCP server answers, so that a technician with a cable and a notebook reaches it. The host name is
 * ours, whatever a DHCP server says.
 */
const ANY = ['IPv6AcceptRA=yes', 'MulticastDNS=yes', 'LLMNR=no'];
const WITH_FALLBACK = ['LinkLocalAddressing=yes', ...ANY];
// With `mac` a server knows the box by what stands on its label, before and after a new installation.
const DHCP4 = ['ClientIdentifier=mac', 'UseHostname=no'];

const DHCP_ANY: Sections = {
  network: ['DHCP=yes', ...WITH_FALLBACK],
  dhcp4: DHCP4,
  dhcp6: ['UseHostname=no'],
  ra: [],
};
const DHCP_WIRELESS: Sections = {
  ...DHCP_ANY,
  dhcp4: [...DHCP4, `RouteMetric=${WIFI_ROUTE_METRIC}`],
  ra: [`RouteMetric=${WIFI_ROUTE_METRIC}`],
};

function interfaceFile(entry: InterfaceConfig): string {
  const match = isMac(entry.match)
    ? `MACAddress=${entry.match.toLowerCase().replaceAll('-', ':')}`
    : `Name=${entry.match}`;
  const fixed = [
    ...entry.addresses.map((address) => `Address=${address}`),
    ...(entry.gateway === null ? [] : [`Gateway=${entry.gateway}`]),
    ...entry.dns.map((server) => `DNS=${server}`),
  ];
  if (entry.dhcp) return render(match, { ...DHCP_ANY, network: [...DHCP_ANY.network, ...fixed] });
  // With fixed addresses a link-local IPv4 one would not be a fallback but always there; and a router announcement
  // may start DHCPv6 even where DHCP=no.
  return render(match, {
    network: ['DHCP=no', 'LinkLocalAddressing=ipv6', ...ANY, ...fixed],
    dhcp4: [],
    dhcp6: [],
    ra: ['DHCPv6Client=no'],
  });
}

function render(match: string, { network, dhcp4, dhcp6, ra }: Sections): string {
  const section = (name: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : ['', `[${name}]`, ...lines];
  return `${[
    HEADER,
    '[Match]',
    match,
    ...section('Network', network),
    ...section('DHCPv4', dhcp4),
    ...section('DHCPv6', dhcp6),
    ...section('IPv6AcceptRA', ra),
  ].join('\n')}\n`;
}
