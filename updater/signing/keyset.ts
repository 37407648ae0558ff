import { Type as t } from '@sinclair/typebox';
import { BulkheadError } from '../../base/errors.ts';
import { type Envelope, KeyId, verifyEnvelope } from '../../base/signing/dsse.ts';
import { isPublicKey } from '../../base/signing/ed25519.ts';
import { Instant, parseInstant } from '../../base/signing/instant.ts';
import { keyId } from '../../base/signing/key-id.ts';
import { parseSignedJson } from '../../base/signing/signed-json.ts';
import { KEY_NOTE_MAX, KEYS_MAX, REVOCATIONS_MAX } from './limits.ts';

/**
 * Whose releases are installed: a numbered set of public keys, itself signed. `root` keys sign key sets, `release` keys sign
 * bundles. The set in the image is the anchor; a newer one is taken when the root keys of the set before signed it.
 */
export const KEYSET_PAYLOAD_TYPE = 'application/vnd.bulkhead.keyset.v1+json';

export const Role = t.Union([t.Literal('release'), t.Literal('root')]);
export type Role = (typeof Role)['static'];

const Note = t.String({ maxLength: KEY_NOTE_MAX });

const Key = t.Object(
  {
    id: KeyId,
    /** Base64 of the 32 bytes. */
    public_key: t.String({ minLength: 44, maxLength: 44 }),
    roles: t.Array(Role, { minItems: 1, maxItems: 2, uniqueItems: true }),
    /** Signs no release at or after this instant. For release keys: a root key ends by being left out of the next set. */
    not_after: t.Optional(Instant),
    note: t.Optional(Note),
  },
  { additionalProperties: false },
);
export type Key = (typeof Key)['static'];

const Revocation = t.Object({ id: KeyId, since: Instant, reason: Note }, { additionalProperties: false });

export const Keyset = t.Object(
  {
    format: t.Literal(1),
    version: t.Integer({ minimum: 1, maximum: 1_000_000_000 }),
    issued_at: Instant,
    keys: t.Array(Key, { minItems: 1, maxItems: KEYS_MAX }),
    /** Nothing these keys signed counts, whenever it was. May name keys that are not in `keys`. Never gets shorter. */
    revoked: t.Array(Revocation, { maxItems: REVOCATIONS_MAX }),
    /** Root keys that have to sign this set and the next. */
    root_threshold: t.Integer({ minimum: 1, maximum: KEYS_MAX }),
  },
  { additionalProperties: false },
);
export type Keyset = (typeof Keyset)['static'];

/**
 * The set in the payload of an envelope. Says nothing about signatures.
 *
 * @throws BulkheadError KEYS_SET_INVALID
 */
export function parseKeyset(payload: Uint8Array): Keyset {
  let set: Keyset;
  try {
    set = parseSignedJson(payload, Keyset);
  } catch (cause) {
    throw new BulkheadError('KEYS_SET_INVALID', 'this is no key set', { cause });
  }
  const problem = keysetProblem(set);
  if (problem) throw new BulkheadError('KEYS_SET_INVALID', `the key set is invalid: ${problem}`);
  return set;
}

/** What is wrong with a set of the right form; undefined when nothing is. Pure. */
export function keysetProblem(set: Keyset): string | undefined {
  const ids = set.keys.map(({ id }) => id);
  if (new Set(ids).size !== ids.length) return 'it names a key twice';
  if (new Set(set.revoked.map(({ id }) => id)).size !== set.revoked.length) return 'it revokes a key twice';
  for (const { id, public_key, roles, not_after } of set.keys) {
    const raw = Buffer.from(public_key, 'base64');
    if (raw.toString('base64') !== public_key || !isPublicKey(raw))
      return `key ${id} is no Ed25519 public key`;
    if (keyId(raw) !== id) return `key ${id} has the id ${keyId(raw)}`;
    if (not_after !== undefined && roles.includes('root'))
      return `root key ${id} has an end: a box that was off for years could not follow`;
  }
  const instants = [
    set.issued_at,
    ...set.revoked.map(({ since }) => since),
    ...set.keys.map((key) => key.not_after),
  ];
  const noTime = instants.find((text) => text !== undefined && parseInstant(text) === undefined);
  if (noTime !== undefined) return `'${noTime}' is no time`;
  const roots = rootKeys(set).size;
  if (roots < set.root_threshold)
    return `${set.root_threshold} root keys have to sign, ${roots} that are not revoked are in it`;
  return undefined;
}

/** Root keys that are not revoked: id to raw public key. */
function rootKeys(set: Keyset): Map<string, Uint8Array> {
  const usable = set.keys.filter(({ id, roles }) => roles.includes('root') && !isRevoked(set, id));
  return new Map(usable.map((key) => [key.id, rawKey(key)]));
}

export function rawKey(key: Key): Uint8Array {
  return Uint8Array.from(Buffer.from(key.public_key, 'base64'));
}

export function isRevoked(set: Keyset, id: string): boolean {
  return set.revoked.some((revocation) => revocation.id === id);
}

/**
 * Signatures that a key set still lacks to be taken after `before`: of root keys of the set before and of its own.
 *
 * @param before undefined for the first set, which only its own root keys sign
 * @throws BulkheadError DSSE_SIGNATURE_WRONG
 */
export function missingSignatures(
  envelope: Envelope,
  set: Keyset,
  before: Keyset | undefined,
): { before: number; own: number } {
  const missing = (signing: Keyset) => {
    const signed = envelope.signatures.length === 0 ? [] : verifyEnvelope(envelope, rootKeys(signing));
    return Math.max(0, signing.root_threshold - signed.length);
  };
  return { before: before ? missing(before) : 0, own: missing(set) };
}
