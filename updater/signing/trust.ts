import { BulkheadError } from '../../base/errors.ts';
import { type Envelope, verifyEnvelope } from '../../base/signing/dsse.ts';
import { parseInstant } from '../../base/signing/instant.ts';
import { isRevoked, type Keyset, missingSignatures, parseKeyset, rawKey } from './keyset.ts';
import { KEYSETS_MAX } from './limits.ts';

/** Whom this machine trusts, and how it came to. */
export interface TrustedKeys {
  keyset: Keyset;
  /**
   * Every set from the anchor on, oldest first. Kept whole: the image of the other slot may be years older, and after a
   * rollback it has to come to the same trust from its own anchor.
   */
  chain: readonly Envelope[];
}

/**
 * Trust begins here: a set that is taken because of where it was found (the image), so only its own root keys are asked.
 *
 * @throws BulkheadError KEYS_SET_INVALID, KEYS_UNSIGNED_SET, DSSE_SIGNATURE_WRONG
 */
export function anchorTrust(envelope: Envelope): TrustedKeys {
  const keyset = parseKeyset(envelope.payload);
  const { own } = missingSignatures(envelope, keyset, undefined);
  if (own > 0)
    throw new BulkheadError(
      'KEYS_UNSIGNED_SET',
      `key set ${keyset.version} lacks ${signatures(own)} of its own root keys`,
      { hint: 'sign it: bulkhead bundle sign --help' },
    );
  return { keyset, chain: [envelope] };
}

/**
 * Follows a chain of key sets from the one that is trusted. Sets that are not newer are passed over, so one chain serves
 * machines of every age. Pure.
 *
 * @param envelopes oldest first
 * @returns `changed`: whether a newer set is trusted now
 * @throws BulkheadError KEYS_SET_INVALID, KEYS_SUCCESSOR_REFUSED, KEYS_CHAIN_TOO_LONG, DSSE_SIGNATURE_WRONG
 */
export function acceptKeysets(
  trusted: TrustedKeys,
  envelopes: readonly Envelope[],
): { trusted: TrustedKeys; changed: boolean } {
  let { keyset } = trusted;
  const chain = [...trusted.chain];
  for (const envelope of envelopes) {
    const next = parseKeyset(envelope.payload);
    if (next.version <= keyset.version) continue;
    requireSuccessor(keyset, next, envelope);
    keyset = next;
    chain.push(envelope);
  }
  if (chain.length > KEYSETS_MAX)
    throw new BulkheadError(
      'KEYS_CHAIN_TOO_LONG',
      `a chain of ${chain.length} key sets; at most ${KEYSETS_MAX}`,
    );
  return { trusted: { keyset, chain }, changed: keyset !== trusted.keyset };
}

function requireSuccessor(current: Keyset, next: Keyset, envelope: Envelope): void {
  const refused = (why: string) =>
    new BulkheadError(
      'KEYS_SUCCESSOR_REFUSED',
      `key set ${next.version} does not follow ${current.version}: ${why}`,
      {
        hint: 'the sets between the two have to come with it, each signed by the root keys of the one before',
      },
    );
  const missing = missingSignatures(envelope, next, current);
  if (missing.before > 0)
    throw refused(`it lacks ${signatures(missing.before)} of root keys of ${current.version}`);
  if (missing.own > 0) throw refused(`it lacks ${signatures(missing.own)} of its own root keys`);
  const forgotten = current.revoked.find(({ id }) => !isRevoked(next, id));
  if (forgotten) throw refused(`it forgets that key ${forgotten.id} is revoked`);
}

/**
 * The release keys that signed an envelope.
 *
 * @param now see trustedTime
 * @returns their ids, at least one
 * @throws BulkheadError KEYS_REVOKED, KEYS_EXPIRED, KEYS_WRONG_ROLE, KEYS_UNKNOWN (the first that fits), DSSE_UNSIGNED,
 *         DSSE_SIGNATURE_WRONG
 */
export function requireReleaseSignature(envelope: Envelope, trusted: TrustedKeys, now: Date): string[] {
  const { keyset } = trusted;
  const now_ms = trustedTime(now.getTime(), [keyset.issued_at]);
  const usable = new Map<string, Uint8Array>();
  const refusals: Refusal[] = [];
  for (const { keyid } of envelope.signatures) {
    const refusal = refusalOf(keyset, keyid, now_ms);
    if (refusal) refusals.push(refusal);
    const key = keyset.keys.find(({ id }) => id === keyid);
    if (key && !refusal) usable.set(keyid, rawKey(key));
  }
  const signed = verifyEnvelope(envelope, usable);
  if (signed.length > 0) return signed;
  const [worst] = refusals.sort((a, b) => RANK[a.code] - RANK[b.code]);
  throw new BulkheadError(
    worst?.code ?? 'KEYS_UNKNOWN',
    `the release is signed by no key that counts: ${worst?.why}`,
    {
      hint: 'take a release that is signed by a key of this set, or one that brings a newer key set: bulkhead bundle keyset inspect',
    },
  );
}

/** Of several refusals the most telling is reported: the first here. */
const RANK = { KEYS_REVOKED: 0, KEYS_EXPIRED: 1, KEYS_WRONG_ROLE: 2, KEYS_UNKNOWN: 3 };
interface Refusal {
  code: keyof typeof RANK;
  why: string;
}

function refusalOf(set: Keyset, id: string, now_ms: number): Refusal | undefined {
  const revocation = set.revoked.find((entry) => entry.id === id);
  if (revocation)
    return {
      code: 'KEYS_REVOKED',
      why: `key ${id} was revoked on ${revocation.since}: ${revocation.reason}`,
    };
  const key = set.keys.find((entry) => entry.id === id);
  if (!key) return { code: 'KEYS_UNKNOWN', why: `key ${id} is not in key set ${set.version}` };
  if (!key.roles.includes('release'))
    return { code: 'KEYS_WRONG_ROLE', why: `key ${id} signs key sets, not releases` };
  if (key.not_after !== undefined && now_ms >= (parseInstant(key.not_after) ?? 0))
    return { code: 'KEYS_EXPIRED', why: `key ${id} ended on ${key.not_after}` };
  return undefined;
}

/**
 * The time that ends of keys and releases are compared with. The clock of a box with a dead battery is behind, and it must not
 * bring back what has ended: it is at least as late as what is known to have happened.
 *
 * @param clock_ms milliseconds since 1970
 * @param happened RFC 3339: when the image was built, when the key set was issued
 */
export function trustedTime(clock_ms: number, happened: readonly string[]): number {
  const times_ms = happened.map((text) => Date.parse(text)).filter((time_ms) => !Number.isNaN(time_ms));
  return Math.max(clock_ms, ...times_ms);
}

function signatures(count: number): string {
  return count === 1 ? 'a signature' : `${count} signatures`;
}
