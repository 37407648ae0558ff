import { SSH_PORT, STATUS_PAGE_PORT } from '../../firewall/policy.ts';
import type { Listener } from '../look/listeners.ts';
import type { Sight } from '../look/sight.ts';
import { isFresh } from './freshness.ts';
import { fails, holds, type Measured, unknown } from './measured.ts';

/** The status page and what sensors speak to. */
const SERVICE_PORTS = [STATUS_PAGE_PORT, 8080, 50051];
/** DHCP, DHCPv6 and mDNS, as the network services of the image open them. */
const UDP_PORTS = [68, 546, 5353];
/** Where the kernel begins to give out ports for questions (ip(7)): what waits above waits for an answer. */
const EPHEMERAL_PORT = 32_768;

/** SSH may be there when a key is configured; when nobody knows, it may not. */
function allowedTcp({ root }: Sight): number[] {
  return root?.ssh.on ? [SSH_PORT, ...SERVICE_PORTS] : SERVICE_PORTS;
}

export function measureFirewall({ firewall, ...sight }: Sight): Measured {
  if (firewall === null) return unknown('root has not read the rules in this boot');
  if (!firewall.loaded || firewall.drift) return fails(firewall.message);
  if (!isFresh(sight, firewall.checkedAt)) return unknown('root has not read the rules for half an hour');
  return holds(firewall.message);
}

export function measureFirewallFresh({ firewall, ...sight }: Sight): Measured {
  if (firewall === null) return fails('root has not read the rules in this boot');
  return isFresh(sight, firewall.checkedAt)
    ? holds('read within half an hour')
    : fails(`last read at ${firewall.checkedAt}`);
}

export function measureFirewallPorts(sight: Sight): Measured {
  const { firewall } = sight;
  if (firewall === null) return unknown('root has not read the rules in this boot');
  if (!firewall.loaded) return fails('no firewall closes the others');
  const allowed = allowedTcp(sight).map((port) => `tcp/${port}`);
  const strange = firewall.openPorts.filter((port) => !allowed.includes(port));
  return strange.length > 0
    ? fails(`open: ${strange.join(', ')}`)
    : holds(`open: ${firewall.openPorts.join(', ')}`);
}

export function measureListeners(sight: Sight): Measured {
  if (sight.listeners === null) return unknown('/proc/net cannot be read');
  const tcp = allowedTcp(sight);
  const outside = sight.listeners.filter(({ loopback }) => !loopback);
  const strange = outside.filter(({ protocol, port }) =>
    protocol === 'tcp' ? !tcp.includes(port) : !UDP_PORTS.includes(port) && port < EPHEMERAL_PORT,
  );
  if (strange.length > 0) return fails(`listens: ${namesOf(strange)}`);
  return holds(
    `listens: ${namesOf(outside.filter(({ port }) => port < EPHEMERAL_PORT || tcp.includes(port)))}`,
  );
}

export function measureWireless({ wirelessUp }: Sight): Measured {
  if (wirelessUp === null) return unknown('the interfaces cannot be listed');
  return wirelessUp.length === 0 ? holds('none is up') : fails(`up: ${wirelessUp.join(', ')}`);
}

function namesOf(listeners: readonly Listener[]): string {
  const names = new Set(
    [...listeners]
      .sort((a, b) => (a.protocol === b.protocol ? a.port - b.port : a.protocol < b.protocol ? -1 : 1))
      .map(({ protocol, port }) => `${protocol}/${port}`),
  );
  return names.size === 0 ? 'nothing' : [...names].join(', ');
}
