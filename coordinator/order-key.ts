import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { type KeySigner, signerOf } from '../updater/signing/key-file.ts';
import type { Database } from './database/tables.ts';

/**
 * The key that orders are signed with; made on first use. It lives in the database, because every coordinator on it signs with
 * the same one, and because whoever can write there can make orders anyway: keep the database as you would keep the key.
 */
export async function orderKey(database: Database, now_ms: number): Promise<KeySigner> {
  const find = () =>
    database
      .selectFrom('server_keys')
      .select('private_key')
      .where('purpose', '=', 'order')
      .where('retired_ms', 'is', null)
      .orderBy('created_ms')
      .orderBy('key_id')
      .executeTakeFirst();
  if (!(await find())) {
    const { privateKey } = generateKeyPairSync('ed25519');
    const private_key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const { key_id } = signerOf(privateKey);
    await database
      .insertInto('server_keys')
      .values({ key_id, purpose: 'order', private_key, created_ms: now_ms, retired_ms: null })
      .execute();
  }
  // Read back: another process may have been first, and the oldest is everybody's.
  const key = await find();
  if (!key) throw new Error('the order key that was just written is not there');
  return signerOf(createPrivateKey(key.private_key));
}
