import type { LinkState } from '../coordinator-probe/classify.ts';
import type { NetworkFacts } from '../facts/network.ts';

/** What the network facts say about being able to reach anything at all. */
export function linkState({ interfaces }: NetworkFacts): LinkState {
  const connected = interfaces.filter(({ carrier }) => carrier);
  const isUsable = (cidr: string) => !/^fe[89ab]/i.test(cidr) && !cidr.startsWith('169.254.');
  return {
    carrier: connected.length > 0,
    address: connected.some(({ addresses }) => addresses.some(isUsable)),
  };
}

/** Changes when reaching the coordinator may have become possible or impossible. */
export function networkFingerprint({ interfaces, gateway, dns }: NetworkFacts): string {
  return JSON.stringify([
    interfaces.map(({ name, carrier, addresses }) => [name, carrier, addresses]),
    gateway,
    dns,
  ]);
}
