import { isIP, isIPv6 } from 'node:net';
import { BulkheadError } from '../../base/errors.ts';
import { PORT_MAX, PORT_MIN } from './limits.ts';

/** What the firewall has to allow on top of what every host needs; port numbers only, never names (LESSONS 20). */
export interface FirewallPolicy {
  /** TCP ports that answer to the network */
  inputTcpPorts: number[];
  /** TCP ports that the appliance may connect to */
  outputTcpPorts: number[];
  /** UDP ports that the appliance may send to */
  outputUdpPorts: number[];
  /** single machines, by IP address, that the appliance may connect to by TCP */
  outputTargets: OutputTarget[];
}

export interface OutputTarget {
  /** IPv4 or IPv6 */
  address: string;
  port: number;
}

/** The facts of this device that decide about ports. */
export interface FirewallNeeds {
  /** SSH runs: somebody's key is configured */
  sshEnabled: boolean;
  /** the sensor services run and answer */
  sensorsEnabled: boolean;
  /** port of the configured coordinator URL; null when there is none */
  coordinatorPort: number | null;
  /** machines that the appliance looks at itself, by IP address or host name */
  targets: readonly OutputTarget[];
}

export const STATUS_PAGE_PORT = 80;
export const SSH_PORT = 22;
export const SENSOR_HTTP_PORT = 8080;
export const SENSOR_GRPC_PORT = 50_051;

export const DNS_PORT = 53;
export const NTP_PORT = 123;
export const HTTPS_PORT = 443;
const HTTP_PORT = 80;
const WINRM_PORTS = [5985, 5986];

/** With nothing configured: the status page in, what every appliance needs out. */
export const NOTHING_CONFIGURED: FirewallNeeds = {
  sshEnabled: false,
  sensorsEnabled: false,
  coordinatorPort: null,
  targets: [],
};

/**
 * The ports that the configuration asks for. Nothing is open that does not answer.
 *
 * @throws BulkheadError FIREWALL_PORT_INVALID
 */
export function firewallPolicyFor(needs: FirewallNeeds): FirewallPolicy {
  const input = [STATUS_PAGE_PORT];
  if (needs.sshEnabled) input.push(SSH_PORT);
  if (needs.sensorsEnabled) input.push(SENSOR_HTTP_PORT, SENSOR_GRPC_PORT);
  const output = [DNS_PORT, HTTPS_PORT, ...WINRM_PORTS];
  if (needs.coordinatorPort !== null) output.push(needs.coordinatorPort);
  // What every appliance may reach anyway needs no rule of its own.
  const targets = needs.targets.filter(({ port }) => !output.includes(port));
  // A name would have to be resolved before the network is up, so a machine known by name opens its port.
  output.push(...targets.filter(({ address }) => isIP(address) === 0).map(({ port }) => port));
  return parsePolicy({
    inputTcpPorts: input,
    outputTcpPorts: output,
    outputUdpPorts: [DNS_PORT, NTP_PORT],
    outputTargets: targets.filter(({ address, port }) => isIP(address) !== 0 && !output.includes(port)),
  });
}

/**
 * Sorts the ports and machines and drops doubles, so that equal policies give equal rules.
 *
 * @throws BulkheadError FIREWALL_PORT_INVALID for anything but whole numbers from 1 to 65535, FIREWALL_ADDRESS_INVALID
 */
export function parsePolicy(policy: FirewallPolicy): FirewallPolicy {
  return {
    inputTcpPorts: ports(policy.inputTcpPorts),
    outputTcpPorts: ports(policy.outputTcpPorts),
    outputUdpPorts: ports(policy.outputUdpPorts),
    outputTargets: outputTargets(policy.outputTargets),
  };
}

function outputTargets(list: readonly OutputTarget[]): OutputTarget[] {
  const known = new Map<string, OutputTarget>();
  for (const target of list) {
    if (isIP(target.address) === 0) {
      throw new BulkheadError('FIREWALL_ADDRESS_INVALID', `'${target.address}' is not an IP address`, {
        hint: 'rules hold no host names: they are loaded before the network is up',
      });
    }
    ports([target.port]);
    const address = canonicalAddress(target.address);
    known.set(`${address} ${String(target.port).padStart(5, '0')}`, { address, port: target.port });
  }
  return [...known.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, target]) => target);
}

/** An address as nft prints it, or what is read back would differ from what was asked for (RFC 5952; IPv4 in IPv6 goes as IPv4). */
function canonicalAddress(address: string): string {
  if (!isIPv6(address)) return address;
  const short = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(short) ?? [];
  if (high === undefined || low === undefined) return short;
  const bytes = [high, low].flatMap((half) => {
    const value = Number.parseInt(half, 16);
    return [value >> 8, value & 0xff];
  });
  return bytes.join('.');
}

function ports(list: readonly number[]): number[] {
  for (const port of list) {
    if (!Number.isInteger(port) || port < PORT_MIN || port > PORT_MAX) {
      throw new BulkheadError('FIREWALL_PORT_INVALID', `${port} is not a port`, {
        hint: `a port is a whole number from ${PORT_MIN} to ${PORT_MAX}`,
      });
    }
  }
  return [...new Set(list)].sort((a, b) => a - b);
}

/**
 * The port of a coordinator URL, written or implied by its scheme; null for no URL.
 *
 * @throws BulkheadError FIREWALL_COORDINATOR_URL when it is not an http or https URL
 */
export function coordinatorPortOf(url: string | null): number | null {
  if (url === null || url === '') return null;
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || (parsed.protocol !== 'https:' && parsed.protocol !== 'http:')) {
    throw new BulkheadError('FIREWALL_COORDINATOR_URL', `'${url}' is not the URL of a coordinator`, {
      hint: 'for example https://coordinator.example or https://coordinator.example:8443',
    });
  }
  if (parsed.port !== '') return Number(parsed.port);
  return parsed.protocol === 'https:' ? HTTPS_PORT : HTTP_PORT;
}
