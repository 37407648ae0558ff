import type { Fingerprint } from '../../../protocol/messages/fingerprint.ts';
import type { FactValue, Query } from './query.ts';

/**
 * What a query can ask of an appliance: every field of its fingerprint that is a text, a number or a truth, memory in GiB, names of
 * interfaces. For the fleet page and for rollouts: both have to mean the same appliances. Pure.
 */
export function factsOf(fingerprint: Fingerprint): Record<string, FactValue> {
  const { memory_bytes, network_interfaces } = fingerprint;
  const plain = Object.entries(fingerprint).filter((entry): entry is [string, string | number | boolean] =>
    ['string', 'number', 'boolean'].includes(typeof entry[1]),
  );
  return {
    ...Object.fromEntries(plain),
    ...(memory_bytes === null ? {} : { memory_gib: Math.round(memory_bytes / 2 ** 30) }),
    interfaces: network_interfaces.map(({ name }) => name),
  };
}

/** Whether a query looks at any fact: reading those of a whole fleet is what costs. Pure. */
export function asksForFacts(query: Query): boolean {
  switch (query.kind) {
    case 'all':
      return false;
    case 'and':
    case 'or':
      return query.parts.some(asksForFacts);
    case 'not':
      return asksForFacts(query.part);
    case 'exists':
    case 'compare':
    case 'among':
      return query.field.of === 'fact';
  }
}
