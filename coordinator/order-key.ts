import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { type KeySigner, signerOf } from '../updater/signing/key-file.ts';
import { lockForAll } from './database/lock.ts';
import type { DoWork } from './database/unit-of-work.ts';

/**
 * The key that orders are signed with; made on first use. It lives in the database, because every coordinator on it signs with
 * the same one, and because whoever can write there can make orders anyway: keep the database as you would keep the key.
 */
export async function orderKey(doWork: DoWork, now_ms: number): Promise<KeySigner> {
  return await doWork(async (work) => {
    await lockForAll(work);
    const known = await work
      .selectFrom('server_keys')
      .select('private_key')
      .where('purpose', '=', 'order')
      .where('retired_ms', 'is', null)
      .executeTakeFirst();
    if (known) return signerOf(createPrivateKey(known.private_key));
    const { privateKey } = generateKeyPairSync('ed25519');
    const signer = signerOf(privateKey);
    const private_key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    await work
      .insertInto('server_keys')
      .values({ key_id: signer.key_id, purpose: 'order', private_key, created_ms: now_ms, retired_ms: null })
      .execute();
    return signer;
  });
}
