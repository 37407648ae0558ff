import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { armor, Encrypter } from 'age-encryption';

/** Writes files as sops 3 does (see appliance/secrets/sops-decrypt.ts), so that tests have any they like. */

export type Plain = string | number | boolean | null | Plain[] | { [name: string]: Plain };

export interface SopsFileOptions {
  /** `age1…`: whom it is encrypted for. */
  recipients: readonly string[];
  modified?: string;
  /** Names of values that stay readable, as with unencrypted_suffix. */
  readable?: readonly string[];
}

/** A file in JSON, which is YAML as well. */
export async function sopsFile(values: { [name: string]: Plain }, options: SopsFileOptions): Promise<string> {
  const key = randomBytes(32);
  const lastmodified = options.modified ?? '2026-11-01T12:00:00Z';
  const hash = createHash('sha512');
  const walk = (value: Plain, path: readonly string[]): Plain => {
    if (value === null) return null;
    if (Array.isArray(value)) return value.map((inner) => walk(inner, path));
    if (typeof value === 'object')
      return Object.fromEntries(
        Object.entries(value).map(([name, inner]) => [name, walk(inner, [...path, name])]),
      );
    const text = value === true ? 'True' : value === false ? 'False' : String(value);
    hash.update(text);
    if (options.readable?.includes(path.at(-1) ?? '')) return value;
    const type = { string: 'str', number: 'int', boolean: 'bool' }[typeof value as 'string'];
    return seal(text, key, path.map((name) => `${name}:`).join(''), type);
  };
  const encrypted = walk(values, []) as { [name: string]: Plain };
  const age = [];
  for (const recipient of options.recipients) {
    const encrypter = new Encrypter();
    encrypter.addRecipient(recipient);
    age.push({ recipient, enc: armor.encode(await encrypter.encrypt(new Uint8Array(key))) });
  }
  const mac = seal(hash.digest('hex').toUpperCase(), key, lastmodified, 'str');
  return JSON.stringify({ ...encrypted, sops: { age, lastmodified, mac, version: '3.8.1' } }, null, 1);
}

function seal(text: string, key: Uint8Array, additional: string, type: string): string {
  const iv = randomBytes(32);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  cipher.setAAD(Buffer.from(additional));
  const data = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  const base64 = (bytes: Buffer) => bytes.toString('base64');
  return `ENC[AES256_GCM,data:${base64(data)},iv:${base64(iv)},tag:${base64(cipher.getAuthTag())},type:${type}]`;
}
