import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import type { InterfaceStatus, Status } from '../../status-page/status.ts';
import { listNames, readLine, readNumber, readText } from './fact-files.ts';
import { INTERFACES_MAX, NAME_SERVERS_MAX } from './limits.ts';
import { type DefaultRoute, parseRoutes4, parseRoutes6 } from './routes.ts';

export type NetworkFacts = Status['network'];
type AddressTable = NodeJS.Dict<NetworkInterfaceInfo[]>;

/** Bit 0 of /sys/class/net/<name>/flags: administratively up (linux/if.h). */
const IFF_UP = 0x1;
/** A virtual machine's card says -1; anything not positive is no speed. */
const isSpeed = (value: number | null): value is number => value !== null && value > 0;

/**
 * Interfaces, addresses, default gateway and name servers, without starting a process.
 * `addresses` comes from getifaddrs(3), which needs AF_NETLINK in the unit's RestrictAddressFamilies.
 */
export function readNetwork(
  proc: string,
  sys: string,
  run: string,
  etc: string,
  addresses: AddressTable = networkInterfaces(),
): NetworkFacts {
  const interfaces = listNames(`${sys}/class/net`)
    .filter((name) => name !== 'lo' && readLine(`${sys}/class/net/${name}/flags`) !== null)
    .slice(0, INTERFACES_MAX)
    .map((name) => readInterface(`${sys}/class/net/${name}`, name, addresses));
  const route4 = parseRoutes4(readText(`${proc}/net/route`) ?? '');
  const route = route4 ?? parseRoutes6(readText(`${proc}/net/ipv6_route`) ?? '');
  return {
    interfaces,
    primaryAddress: choosePrimaryAddress(interfaces, route),
    gateway: route?.gateway ?? null,
    dns: readNameServers(run, etc),
  };
}

function readInterface(folder: string, name: string, addresses: AddressTable): InterfaceStatus {
  const mac = readLine(`${folder}/address`);
  const speed_mbps = readNumber(`${folder}/speed`);
  return {
    name,
    mac:
      mac !== null && /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac) && mac !== '00:00:00:00:00:00' ? mac : null,
    up: (Number.parseInt(readLine(`${folder}/flags`) ?? '0', 16) & IFF_UP) !== 0,
    // Reading `carrier` of an interface that is down fails with EINVAL; no answer is no carrier.
    carrier: readNumber(`${folder}/carrier`) === 1,
    speed_mbps: isSpeed(speed_mbps) ? speed_mbps : null,
    addresses: (addresses[name] ?? []).flatMap(({ cidr }) => (cidr === null ? [] : [cidr])),
  };
}

/**
 * The address that others reach the appliance at: on the interface of the default route, or on the first interface with
 * a cable when there is none (a site without a gateway still has a status page). IPv4 before global IPv6, link-local last.
 */
export function choosePrimaryAddress(
  interfaces: readonly InterfaceStatus[],
  route: DefaultRoute | null,
): string | null {
  const ordered = [
    ...interfaces.filter(({ name }) => name === route?.interfaceName),
    ...interfaces.filter(({ name, carrier }) => name !== route?.interfaceName && carrier),
  ];
  const addresses = ordered.flatMap((item) => item.addresses.map((cidr) => cidr.split('/')[0] ?? cidr));
  const rank = (address: string) => {
    if (/^fe[89ab]/i.test(address) || address.startsWith('169.254.')) return 2;
    return address.includes(':') ? 1 : 0;
  };
  return addresses.sort((a, b) => rank(a) - rank(b))[0] ?? null;
}

/** The servers that are really asked: systemd-resolved's upstream list; /etc/resolv.conf would show its stub 127.0.0.53. */
function readNameServers(run: string, etc: string): string[] {
  const text = readText(`${run}/systemd/resolve/resolv.conf`) ?? readText(`${etc}/resolv.conf`) ?? '';
  const servers = [...text.matchAll(/^nameserver\s+(\S+)/gm)].flatMap(([, server]) =>
    server ? [server] : [],
  );
  return [...new Set(servers)].slice(0, NAME_SERVERS_MAX);
}
