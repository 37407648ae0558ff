import {
  ADDRESS_FAILURES_MAX,
  FAILURES_FORGOTTEN_MS,
  LOCK_FIRST_MS,
  LOCK_MAX_MS,
  NAME_FAILURES_MAX,
} from '../limits.ts';

export interface Failures {
  failures: number;
  last_ms: number;
  locked_until_ms: number | null;
}

export type SubjectKind = 'address' | 'name';

const FORGIVEN: Readonly<Record<SubjectKind, number>> = {
  address: ADDRESS_FAILURES_MAX,
  name: NAME_FAILURES_MAX,
};

/** What is remembered of an address or a name after one more failed sign-in. */
export function afterFailure(kind: SubjectKind, before: Failures | undefined, now_ms: number): Failures {
  const old = before && now_ms - before.last_ms < FAILURES_FORGOTTEN_MS ? before.failures : 0;
  const failures = old + 1;
  const beyond = failures - FORGIVEN[kind];
  if (beyond < 0) return { failures, last_ms: now_ms, locked_until_ms: null };
  const lock_ms = Math.min(LOCK_FIRST_MS * 2 ** Math.min(beyond, 20), LOCK_MAX_MS);
  return { failures, last_ms: now_ms, locked_until_ms: now_ms + lock_ms };
}

/** Milliseconds until somebody may try again; 0 when now. */
export function lockedFor_ms(failures: Failures | undefined, now_ms: number): number {
  return Math.max(0, (failures?.locked_until_ms ?? 0) - now_ms);
}

/** What counts as one address: of IPv6 the network of 64 bits, which one household or server has as a whole. */
export function addressSubject(address: string): string {
  if (!address.includes(':')) return address;
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice('::ffff:'.length);
  const [head = '', tail = ''] = address.toLowerCase().split('::');
  const first = head.split(':').filter(Boolean);
  const last = tail.split(':').filter(Boolean);
  const missing = address.includes('::') ? Array(Math.max(0, 8 - first.length - last.length)).fill('0') : [];
  return `${[...first, ...missing, ...last].slice(0, 4).join(':')}::/64`;
}
