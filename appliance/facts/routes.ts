/** The best default route of the kernel's main table. */
export interface DefaultRoute {
  interfaceName: string;
  gateway: string;
}

const RTF_UP = 0x1;
const RTF_GATEWAY = 0x2;

/** /proc/net/route: addresses are 32-bit numbers in the byte order of the machine, little-endian on x86 (proc_pid_net(5)). */
export function parseRoutes4(text: string): DefaultRoute | null {
  const routes = text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [interfaceName, destination, gateway, flags, , , metric, mask] = line.trim().split(/\s+/);
      if (!interfaceName || !gateway || destination !== '00000000' || mask !== '00000000') return [];
      if (!isGateway(flags)) return [];
      const bytes = (gateway.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16)).reverse();
      return [{ metric: Number(metric), route: { interfaceName, gateway: bytes.join('.') } }];
    });
  return best(routes);
}

/** /proc/net/ipv6_route: 32 hex digits in network order, prefix lengths and metric in hex. */
export function parseRoutes6(text: string): DefaultRoute | null {
  const routes = text.split('\n').flatMap((line) => {
    const [destination, prefix, , , gateway, metric, , , flags, interfaceName] = line.trim().split(/\s+/);
    if (!interfaceName || !gateway || !metric || prefix !== '00' || !/^0{32}$/.test(destination ?? ''))
      return [];
    if (!isGateway(flags)) return [];
    return [{ metric: Number.parseInt(metric, 16), route: { interfaceName, gateway: compressIp6(gateway) } }];
  });
  return best(routes);
}

function isGateway(flags: string | undefined): boolean {
  const bits = Number.parseInt(flags ?? '', 16);
  return (bits & RTF_UP) !== 0 && (bits & RTF_GATEWAY) !== 0;
}

function best(routes: { metric: number; route: DefaultRoute }[]): DefaultRoute | null {
  return routes.sort((a, b) => a.metric - b.metric)[0]?.route ?? null;
}

/** 32 hex digits as RFC 5952 writes them: no leading zeros, the longest run of two or more zero groups as `::`. */
export function compressIp6(digits: string): string {
  const groups = (digits.match(/.{4}/g) ?? []).map((group) => Number.parseInt(group, 16).toString(16));
  let start = -1;
  let length = 1;
  for (let at = 0; at < groups.length; at += 1) {
    let end = at;
    while (groups[end] === '0') end += 1;
    if (end - at > length) {
      start = at;
      length = end - at;
    }
  }
  if (start < 0) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}
