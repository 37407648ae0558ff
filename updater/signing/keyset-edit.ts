import { Value } from '@sinclair/typebox/value';
import { BulkheadError } from '../../base/errors.ts';
import type { Envelope } from '../../base/signing/dsse.ts';
import { formatInstant } from '../../base/signing/instant.ts';
import { keyId } from '../../base/signing/key-id.ts';
import { KEYSET_PAYLOAD_TYPE, type Key, Keyset, keysetProblem, type Role } from './keyset.ts';

/** How sets are made and changed. Everything here is pure; what comes out still has to be signed. */

/** A key as an operator names it. */
export interface NewKey {
  /** 32 raw bytes. */
  public_key: Uint8Array;
  roles: readonly Role[];
  not_after?: string;
  note?: string;
}

/** @throws BulkheadError KEYS_SET_INVALID */
export function createKeyset(keys: readonly NewKey[], root_threshold: number, now_ms: number): Keyset {
  return checked({
    format: 1,
    version: 1,
    issued_at: formatInstant(now_ms),
    keys: mergeKeys([], keys),
    revoked: [],
    root_threshold,
  });
}

export interface KeysetChange {
  add?: readonly NewKey[];
  /** Ids of keys that are left out from now on: what they signed counts no more, and they are not called lost. */
  remove?: readonly string[];
  /** Ids of keys that were lost or stolen: left out and remembered. */
  revoke?: readonly string[];
  reason?: string;
  root_threshold?: number;
}

/**
 * The set that follows. A key that is added again gets the roles, end and note that are given now.
 *
 * @throws BulkheadError KEYS_SET_INVALID; KEYS_ID_UNKNOWN for a key to leave out that is not there
 */
export function changeKeyset(current: Keyset, change: KeysetChange, now_ms: number): Keyset {
  const issued_at = formatInstant(now_ms);
  const out = [...(change.remove ?? []), ...(change.revoke ?? [])];
  const known = new Set(current.keys.map(({ id }) => id));
  const unknown = (change.remove ?? []).find((id) => !known.has(id));
  if (unknown !== undefined)
    throw new BulkheadError('KEYS_ID_UNKNOWN', `key ${unknown} is not in key set ${current.version}`, {
      hint: 'bulkhead bundle keyset inspect lists the ids',
    });
  const revocations = (change.revoke ?? [])
    .filter((id) => !current.revoked.some((entry) => entry.id === id))
    .map((id) => ({ id, since: issued_at, reason: change.reason ?? '' }));
  return checked({
    ...current,
    version: current.version + 1,
    issued_at,
    keys: mergeKeys(
      current.keys.filter(({ id }) => !out.includes(id)),
      change.add ?? [],
    ),
    revoked: [...current.revoked, ...revocations],
    root_threshold: change.root_threshold ?? current.root_threshold,
  });
}

/** An envelope around a set, without a signature. */
export function unsignedKeyset(set: Keyset): Envelope {
  const payload = new TextEncoder().encode(JSON.stringify(set));
  return { payloadType: KEYSET_PAYLOAD_TYPE, payload, signatures: [] };
}

function mergeKeys(present: readonly Key[], added: readonly NewKey[]): Key[] {
  const keys = added.map(({ public_key, roles, not_after, note }) => ({
    id: keyId(public_key),
    public_key: Buffer.from(public_key).toString('base64'),
    roles: [...roles],
    ...(not_after === undefined ? {} : { not_after }),
    ...(note === undefined ? {} : { note }),
  }));
  return [...present.filter(({ id }) => !keys.some((key) => key.id === id)), ...keys];
}

function checked(set: Keyset): Keyset {
  const form = Value.Errors(Keyset, set).First();
  const problem = form ? `${form.path}: ${form.message}` : keysetProblem(set);
  if (problem) throw new BulkheadError('KEYS_SET_INVALID', `the key set would be invalid: ${problem}`);
  return set;
}
