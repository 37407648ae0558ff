import { BulkheadError } from '../../base/errors.ts';
import { type CheckSignature, signatureCheck } from '../../base/signing/ed25519.ts';
import type { Database } from '../database/tables.ts';
import { KEYS_REMEMBERED_MAX } from '../limits.ts';

export interface KnownKey {
  key_id: string;
  device_id: string;
  check: CheckSignature;
}

export interface KeyRing {
  /** The key of a device, revoked or not: whether it still counts is looked at in the transaction that takes the request. */
  find(key_id: string): Promise<KnownKey | undefined>;
}

/**
 * Keys of devices in memory: importing one costs as much as checking a signature. A key never comes to mean another device, so
 * what is remembered cannot become wrong.
 */
export function createKeyRing(database: Database): KeyRing {
  const known = new Map<string, KnownKey>();
  return {
    async find(key_id) {
      const hit = known.get(key_id);
      if (hit) return hit;
      const row = await database
        .selectFrom('device_keys')
        .select(['device_id', 'public_key'])
        .where('key_id', '=', key_id)
        .executeTakeFirst();
      if (!row) return undefined;
      const key = { key_id, device_id: row.device_id, check: checkWhenAsked(row.public_key) };
      if (known.size >= KEYS_REMEMBERED_MAX) {
        const [oldest] = known.keys();
        if (oldest !== undefined) known.delete(oldest);
      }
      known.set(key_id, key);
      return key;
    },
  };
}

/** Imported when it is first asked: a device in a session may not sign with its own key for an hour. */
function checkWhenAsked(public_key: string): CheckSignature {
  let check: CheckSignature | undefined;
  return (message, signature) => {
    check ??= checkOf(public_key);
    return check(message, signature);
  };
}

/**
 * @param public_key base64 of 32 bytes
 * @throws BulkheadError AGENT_KEY_INVALID
 */
export function checkOf(public_key: string): CheckSignature {
  const check = signatureCheck(Uint8Array.from(Buffer.from(public_key, 'base64')));
  if (!check) throw new BulkheadError('AGENT_KEY_INVALID', 'the public key is none that can be trusted');
  return check;
}
