import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { generateKeyFile, readSigner } from '../updater/signing/key-file.ts';
import { createKeyset, unsignedKeyset } from '../updater/signing/keyset-edit.ts';
import { serialiseKeysetFile } from '../updater/signing/keyset-file.ts';
import { trustKeysetFile } from '../updater/signing/trusted-keys.ts';
import { imageKeyset, releaseKey } from './release-keys.ts';

const build = mkdtempSync(join(tmpdir(), 'bulkhead-release-keys-'));
afterAll(() => rmSync(build, { recursive: true }));

test('a tree makes its keys once, and its release key is one that its images trust', () => {
  const file = imageKeyset({}, build, 0);
  const { key_id } = readSigner(releaseKey({}, build, 0));
  expect(trustKeysetFile(file).keyset.keys.find(({ roles }) => roles.includes('release'))?.id).toBe(key_id);
  expect(imageKeyset({}, build, 1)).toBe(file);
});

test('keys and key sets that are named are taken instead, and no image is built with a set that is not signed', () => {
  const keyset = imageKeyset({}, build, 0);
  const elsewhere = join(build, 'elsewhere');
  expect(imageKeyset({ BULKHEAD_KEYSET: keyset }, elsewhere, 0)).toBe(keyset);
  expect(releaseKey({ BULKHEAD_RELEASE_KEY: 'own.pem' }, elsewhere, 0)).toBe('own.pem');
  const { public_key } = generateKeyFile(join(build, 'root-2.pem'));
  const unsigned = join(build, 'unsigned.json');
  const set = createKeyset([{ public_key, roles: ['root'] }], 1, 0);
  writeFileSync(unsigned, serialiseKeysetFile([unsignedKeyset(set)]));
  expect(() => imageKeyset({ BULKHEAD_KEYSET: unsigned }, build, 0)).toThrow(
    expect.objectContaining({ code: 'KEYS_UNSIGNED_SET' }),
  );
});
