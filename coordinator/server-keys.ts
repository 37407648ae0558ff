import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { type KeySigner, signerOf } from '../updater/signing/key-file.ts';
import { lockForAll } from './database/lock.ts';
import type { ServerKeyRow } from './database/tables.ts';
import type { DoWork } from './database/unit-of-work.ts';

/**
 * Keys of the coordinator itself, made on first use. They live in the database, because every coordinator on it uses the same ones, and
 * because whoever can write there can make orders and heartbeats anyway: keep the database as you would keep the keys.
 */
type Made = Pick<ServerKeyRow, 'key_id' | 'private_key'>;

/** The key that orders are signed with. */
export async function orderKey(doWork: DoWork, now_ms: number): Promise<KeySigner> {
  const private_key = await serverKey(doWork, 'order', now_ms, () => {
    const made = generateKeyPairSync('ed25519').privateKey;
    const { key_id } = signerOf(made);
    return { key_id, private_key: made.export({ type: 'pkcs8', format: 'pem' }).toString() };
  });
  return signerOf(createPrivateKey(private_key));
}

/** What session keys are derived from: 32 bytes, see reports/session-keys.ts. */
export async function sessionSecret(doWork: DoWork, now_ms: number): Promise<Uint8Array> {
  const secret = await serverKey(doWork, 'session', now_ms, () => ({
    key_id: randomBytes(16).toString('hex'),
    private_key: randomBytes(32).toString('base64'),
  }));
  return Uint8Array.from(Buffer.from(secret, 'base64'));
}

async function serverKey(
  doWork: DoWork,
  purpose: ServerKeyRow['purpose'],
  now_ms: number,
  make: () => Made,
): Promise<string> {
  return await doWork(async (work) => {
    await lockForAll(work);
    const known = await work
      .selectFrom('server_keys')
      .select('private_key')
      .where('purpose', '=', purpose)
      .where('retired_ms', 'is', null)
      .executeTakeFirst();
    if (known) return known.private_key;
    const made = make();
    await work
      .insertInto('server_keys')
      .values({ ...made, purpose, created_ms: now_ms, retired_ms: null })
      .execute();
    return made.private_key;
  });
}
