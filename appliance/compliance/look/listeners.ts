/** Sockets that wait for others, from /proc/net (proc_net(5), proc_pid_net(5)). */

export interface Listener {
  protocol: 'tcp' | 'udp';
  /** Only this machine reaches it. */
  loopback: boolean;
  port: number;
}

/** TCP_LISTEN, and TCP_CLOSE, which is what an unconnected UDP socket has (include/net/tcp_states.h). */
const WAITS = { tcp: '0A', udp: '07' } as const;

/** @param text a table such as /proc/net/tcp6 */
export function parseListeners(text: string, protocol: Listener['protocol']): Listener[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local, , state] = line.trim().split(/\s+/);
      const [address, port] = local?.split(':') ?? [];
      if (address === undefined || port === undefined || state !== WAITS[protocol]) return [];
      return [{ protocol, loopback: isLoopback(address), port: Number.parseInt(port, 16) }];
    });
}

/** Addresses are words of four bytes in the order of the host, which on everything we run on is the lowest first. */
function isLoopback(address: string): boolean {
  if (address.length === 8) return address.endsWith('7F');
  if (address === `${'0'.repeat(24)}01000000`) return true;
  // IPv4 in IPv6: ::ffff:127.x.x.x
  return address.startsWith(`${'0'.repeat(16)}FFFF0000`) && address.endsWith('7F');
}
