import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { run, runOrThrow } from '../../base/run.ts';
import { verifyEd25519 } from '../../base/signing/ed25519.ts';
import { developmentKeys } from './dev-keys.ts';
import { generateKeyFile, readPublicKey, readSigner } from './key-file.ts';
import { trustKeysetFile } from './trusted-keys.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));
const code = (wanted: string) => expect.objectContaining({ code: wanted });
let file = '';
let number = 0;
beforeEach(() => {
  number += 1;
  file = join(folder, `${number}.pem`);
});

describe('a private key', () => {
  test('is written for its owner alone, and signs when it is read again', () => {
    const made = generateKeyFile(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const read = readSigner(file);
    expect(read).toMatchObject({ key_id: made.key_id, public_key: made.public_key });
    const message = new TextEncoder().encode('x');
    expect(verifyEd25519(made.public_key, message, read.sign(message))).toBe(true);
  });

  test('is never written over', () => {
    generateKeyFile(file);
    const before = readFileSync(file);
    expect(() => generateKeyFile(file)).toThrow(code('KEYS_FILE_EXISTS'));
    expect(readFileSync(file)).toEqual(before);
    expect(() => generateKeyFile(join(folder, 'no/such/folder.pem'))).toThrow(code('KEYS_FILE_UNWRITABLE'));
  });

  test.each([0o640, 0o604, 0o660, 0o644, 0o601])('with mode %o is refused', (mode) => {
    generateKeyFile(file);
    chmodSync(file, mode);
    expect(() => readSigner(file)).toThrow(code('KEYS_FILE_EXPOSED'));
    expect(() => readPublicKey(file)).toThrow(code('KEYS_FILE_EXPOSED'));
  });

  test('of another kind, damaged, or no key at all is refused', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const pem = rsa.export({ type: 'pkcs8', format: 'pem' }).toString();
    for (const content of [pem, pem.slice(0, 300), 'nonsense', '', ' '.repeat(100_000)]) {
      writeFileSync(file, content, { mode: 0o600 });
      expect(() => readSigner(file)).toThrow(code('KEYS_NOT_A_KEY'));
      expect(() => readPublicKey(file)).toThrow(code('KEYS_NOT_A_KEY'));
    }
    expect(() => readSigner(join(folder, 'none.pem'))).toThrow(code('KEYS_FILE_UNREADABLE'));
  });

  test('made by openssl is taken, and openssl takes ours', async () => {
    await runOrThrow(run, 'openssl', ['genpkey', '-algorithm', 'ed25519', '-out', file]);
    chmodSync(file, 0o600);
    const signer = readSigner(file);
    const publicFile = `${file}.pub`;
    await runOrThrow(run, 'openssl', ['pkey', '-in', file, '-pubout', '-out', publicFile]);
    expect(readPublicKey(publicFile)).toEqual(signer.public_key);
    const message = join(folder, 'message');
    const signature = join(folder, 'signature');
    writeFileSync(message, 'words');
    writeFileSync(signature, signer.sign(readFileSync(message)));
    const args = ['pkeyutl', '-verify', '-rawin', '-pubin', '-inkey', publicFile, '-in', message];
    expect(await runOrThrow(run, 'openssl', [...args, '-sigfile', signature])).toContain(
      'Verified Successfully',
    );
  });
});

test('a public key is read from PEM, from base64 and from a private key', () => {
  const { public_key } = generateKeyFile(file);
  expect(readPublicKey(file)).toEqual(public_key);
  writeFileSync(`${file}.txt`, `${Buffer.from(public_key).toString('base64')}\n`);
  expect(readPublicKey(`${file}.txt`)).toEqual(public_key);
});

describe('development keys', () => {
  test('are made once, trusted, and taken again', () => {
    const place = join(folder, 'dev');
    const keys = developmentKeys(place, Date.parse('2026-01-01T00:00:00Z'));
    const { keyset } = trustKeysetFile(keys.keysetFile);
    expect(keyset).toMatchObject({ version: 1, issued_at: '2026-01-01T00:00:00Z', root_threshold: 1 });
    expect(keyset.keys.map(({ id, roles }) => [id, roles])).toEqual([
      [readSigner(keys.rootKeyFile).key_id, ['root']],
      [readSigner(keys.releaseKeyFile).key_id, ['release']],
    ]);
    const before = readFileSync(keys.keysetFile);
    expect(developmentKeys(place, Date.now())).toEqual(keys);
    expect(readFileSync(keys.keysetFile)).toEqual(before);
  });

  test('of a run that was interrupted are completed', () => {
    const place = join(folder, 'half');
    const keys = developmentKeys(place, 0);
    rmSync(keys.keysetFile);
    rmSync(keys.releaseKeyFile);
    const root = readFileSync(keys.rootKeyFile);
    developmentKeys(place, 0);
    expect(readFileSync(keys.rootKeyFile)).toEqual(root);
    expect(trustKeysetFile(keys.keysetFile).keyset.version).toBe(1);
  });
});
