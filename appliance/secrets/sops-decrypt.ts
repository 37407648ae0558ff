import { createDecipheriv, createHash } from 'node:crypto';
import { BulkheadError } from '../../base/errors.ts';
import { parseSops, type SopsValue } from './sops-document.ts';

/** AES-256 in Galois counter mode, as sops writes a value: base64, and the type that it was. */
const ENCRYPTED = /^ENC\[AES256_GCM,data:([^,]*),iv:([^,]+),tag:([^,]+),type:(str|int|float|bool|bytes)\]$/;
const DATA_KEY_BYTES = 32;
const TAG_BYTES = 16;

export interface DecryptedSops {
  /** The file's values; what was encrypted is text. */
  values: Map<string, SopsValue>;
  /** When it was last encrypted. */
  modified: Date;
}

/**
 * Decrypts a sops file with an age identity, and holds all of it to its MAC: a value that was swapped, taken away or put in
 * again from an older file is refused with the whole file. (What sops does: SHA-512 over the plain values in the order of the
 * file, encrypted under the same key and bound to the time of the file.)
 *
 * @param place for messages
 * @throws BulkheadError SECRETS_FILE_INVALID, SECRETS_NOT_FOR_US, SECRETS_TAMPERED; never quotes a value
 */
export async function decryptSops(text: string, identity: string, place: string): Promise<DecryptedSops> {
  const document = parseSops(text, place);
  const key = await unwrap(document.wrappedKeys, identity, place);
  const hash = createHash('sha512');
  const walk = (value: SopsValue, path: readonly string[]): SopsValue => {
    if (value instanceof Map)
      return new Map([...value].map(([name, inner]) => [String(name), walk(inner, [...path, String(name)])]));
    if (Array.isArray(value)) return value.map((inner) => walk(inner, path));
    // sops leaves null as it is, and out of the MAC.
    if (value === null) return null;
    if (typeof value !== 'string' || !value.startsWith('ENC[')) {
      hash.update(plainBytes(value));
      return value;
    }
    const plain = open(value, key, path.map((name) => `${name}:`).join(''));
    if (plain === undefined) throw tampered(place, `the value at '${path.join('/')}' was changed`);
    hash.update(plain);
    const shown = plain.toString('utf8');
    // The only type that sops writes otherwise than the file had it.
    return value.endsWith(',type:bool]') ? shown.toLowerCase() : shown;
  };
  const values = walk(document.values, []) as Map<string, SopsValue>;
  const mac = open(document.mac, key, document.lastModified)?.toString('utf8');
  if (mac === undefined || mac.toLowerCase() !== hash.digest('hex'))
    throw tampered(place, 'its values are not those that its MAC was made over');
  return { values, modified: new Date(document.lastModified) };
}

/**
 * One value of a decrypted file as the text of a secret.
 *
 * @param key names from the top, with `/` between them
 * @throws BulkheadError SECRETS_KEY_MISSING
 */
export function secretAt(values: Map<string, SopsValue>, key: string, place: string): string {
  let at: SopsValue | undefined = values;
  for (const name of key.split('/'))
    at = at instanceof Map ? at.get(name) : Array.isArray(at) ? at[Number(name)] : undefined;
  if (at === undefined || at === null || typeof at === 'object')
    throw new BulkheadError('SECRETS_KEY_MISSING', `${place} has no value at '${key}'`, {
      hint: 'sops_key names a value, with / between the levels',
    });
  return String(at);
}

async function unwrap(wrappedKeys: readonly string[], identity: string, place: string): Promise<Uint8Array> {
  const { armor, Decrypter } = await import('age-encryption');
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  for (const wrapped of wrappedKeys) {
    // The one for somebody else cannot be opened; which is which is not written on them.
    const key = await decrypter.decrypt(armor.decode(wrapped)).catch(() => undefined);
    if (key?.length === DATA_KEY_BYTES) return key;
  }
  throw new BulkheadError('SECRETS_NOT_FOR_US', `${place} is not encrypted for the key of this appliance`, {
    hint: "add it to the file's recipients and run sops updatekeys: bulkhead secrets key",
  });
}

/** undefined when it is not what was encrypted under this key at this place. */
function open(value: string, key: Uint8Array, additional: string): Buffer | undefined {
  const [, data = '', iv = '', tag = ''] = ENCRYPTED.exec(value) ?? [];
  const bytes = (text: string) => Buffer.from(text, 'base64');
  if (bytes(tag).length !== TAG_BYTES || iv === '') return undefined;
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes(iv));
    decipher.setAAD(Buffer.from(additional));
    decipher.setAuthTag(bytes(tag));
    return Buffer.concat([decipher.update(bytes(data)), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** A value that is not encrypted, as sops puts it into the MAC. */
function plainBytes(value: string | number | bigint | boolean): string {
  return typeof value === 'boolean' ? (value ? 'True' : 'False') : String(value);
}

function tampered(place: string, reason: string): BulkheadError {
  return new BulkheadError('SECRETS_TAMPERED', `${place} was changed by other means than sops: ${reason}`, {
    hint: 'take the file from where it was encrypted again; nothing of it is used',
  });
}
