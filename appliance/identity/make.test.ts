import { execFileSync } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import nacl from 'tweetnacl';
import { expect, it } from 'vitest';
import { deviceIdOf } from '../../base/signing/key-id.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { decideIdentity, type FileState } from './decide.ts';
import { formatKeyFile, parseKeyFile } from './key-file.ts';
import { ensureDeviceIdentity } from './make.ts';
import { derivedHostname, readDeviceIdentity, readDeviceKey, recordFileOf } from './read.ts';

const ROOT = { uid: 0, gid: 0 };
const AGENT = { uid: 12345, gid: 12345 };

function place() {
  const keyFile = join(makeFolder('identity'), 'device.key');
  return { keyFile, recordFile: recordFileOf(keyFile) };
}
const snapshot = (folder: string) =>
  readdirSync(folder).map((name) => [
    name,
    readFileSync(join(folder, name), 'hex'),
    statSync(join(folder, name)).mode,
  ]);

it('makes a key once: only the agent can read it, and it stays the same ever after', () => {
  const { keyFile } = place();
  const first = ensureDeviceIdentity(keyFile, AGENT);
  expect(first.how).toBe('made');
  expect(statSync(keyFile)).toMatchObject({ uid: AGENT.uid, gid: AGENT.gid });
  expect(statSync(keyFile).mode & 0o777).toBe(0o400);
  const files = snapshot(join(keyFile, '..'));
  expect(ensureDeviceIdentity(keyFile, AGENT)).toEqual({ identity: first.identity, how: 'kept' });
  expect(snapshot(join(keyFile, '..'))).toEqual(files);
  expect(readDeviceIdentity(keyFile)).toEqual(first.identity);
  expect(derivedHostname(first.identity.deviceId)).toMatch(/^bulkhead-[0-9a-f]{6}$/);
});

it('makes another key for every appliance', () => {
  const ids = Array.from({ length: 8 }, () => ensureDeviceIdentity(place().keyFile, ROOT).identity.deviceId);
  expect(new Set(ids).size).toBe(8);
});

it('signs so that another library verifies, with a key file that openssl reads', () => {
  const { keyFile } = place();
  const { identity } = ensureDeviceIdentity(keyFile, ROOT);
  const message = Buffer.from('a heartbeat');
  const signature = nacl.sign.detached(message, readDeviceKey(keyFile).secretKey);
  const publicPem = execFileSync('openssl', ['pkey', '-in', keyFile, '-pubout'], { encoding: 'utf8' });
  const publicKey = createPublicKey(publicPem);
  expect(verify(null, message, publicKey, signature)).toBe(true);
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  expect(new Uint8Array(raw)).toEqual(identity.publicKey);
  expect(deviceIdOf(raw)).toBe(identity.deviceId);
});

it('knows the key of RFC 8410 section 10.3', () => {
  const text =
    '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n';
  const key = parseKeyFile(text);
  expect(Buffer.from(key?.publicKey ?? []).toString('base64')).toBe(
    'Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=',
  );
  expect(formatKeyFile(key?.secretKey.subarray(0, 32) ?? new Uint8Array())).toBe(text);
});

it('reads every key it writes and nothing that was cut off or damaged', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat(), (seed, at) => {
      fc.pre(seed.some((byte) => byte !== 0));
      const text = formatKeyFile(seed);
      expect(parseKeyFile(text)?.secretKey.subarray(0, 32)).toEqual(seed);
      expect(parseKeyFile(text.slice(0, at % text.length))).toBeUndefined();
      expect(parseKeyFile(`${text}x`)).toBeUndefined();
    }),
    { numRuns: 30 },
  );
  expect(parseKeyFile(formatKeyFile(new Uint8Array(32)))).toBeUndefined();
});

it('starts over after a power cut at any moment of the first boot, as long as no record says that the key was in use', () => {
  for (const prepare of [
    () => undefined,
    ({ keyFile }: { keyFile: string }) => writeFileSync(keyFile, ''),
    ({ keyFile }: { keyFile: string }) => writeFileSync(`${keyFile}.new`, 'half a k'),
    ({ recordFile }: { recordFile: string }) => writeFileSync(`${recordFile}.new`, '{'),
  ]) {
    const where = place();
    prepare(where);
    expect(ensureDeviceIdentity(where.keyFile, ROOT).how).toBe('made');
    expect(statSync(where.keyFile).mode & 0o777).toBe(0o400);
    expect(readDeviceKey(where.keyFile).publicKey).toEqual(readDeviceIdentity(where.keyFile).publicKey);
  }
});

it('completes the record of a whole key instead of making another key', () => {
  for (const damage of [
    rmSync,
    (path: string) => writeFileSync(path, ''),
    (path: string) => writeFileSync(path, '{}'),
  ]) {
    const { keyFile, recordFile } = place();
    const { identity } = ensureDeviceIdentity(keyFile, ROOT);
    damage(recordFile);
    expect(() => readDeviceKey(keyFile)).toThrow();
    expect(ensureDeviceIdentity(keyFile, ROOT)).toEqual({ identity, how: 'completed' });
  }
});

it('refuses to replace a key that others may know, and touches nothing', () => {
  const other = formatKeyFile(new Uint8Array(32).fill(7));
  for (const damage of [
    (path: string) => rmSync(path),
    (path: string) => writeFileSync(path, ''),
    (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 60)),
    (path: string) => writeFileSync(path, new Uint8Array(119)),
    (path: string) => writeFileSync(path, other),
  ]) {
    const { keyFile } = place();
    ensureDeviceIdentity(keyFile, ROOT);
    damage(keyFile);
    const files = snapshot(join(keyFile, '..'));
    expect(() => ensureDeviceIdentity(keyFile, ROOT)).toThrow(
      expect.objectContaining({ code: 'IDENTITY_DAMAGED' }),
    );
    expect(snapshot(join(keyFile, '..'))).toEqual(files);
    expect(() => readDeviceKey(keyFile)).toThrow();
  }
});

it('refuses a non-empty damaged key even without a record: no power cut leaves that', () => {
  const { keyFile, recordFile } = place();
  writeFileSync(keyFile, 'garbage');
  expect(() => ensureDeviceIdentity(keyFile, ROOT)).toThrow(
    expect.objectContaining({ code: 'IDENTITY_DAMAGED' }),
  );
  expect(existsSync(recordFile)).toBe(false);
});

it('never makes a key when a trace of an older one exists', () => {
  const states: FileState[] = ['missing', 'empty', 'damaged', 'valid'];
  for (const key of states) {
    for (const record of states) {
      for (const matches of [true, false]) {
        const { act } = decideIdentity({ key, record, matches });
        const untouched = (key === 'missing' || key === 'empty') && record === 'missing';
        expect(act === 'make', `${key} ${record}`).toBe(untouched);
        if (act === 'keep' || act === 'complete') expect(key).toBe('valid');
      }
    }
  }
});

it('tells a missing identity from one that may not be read', () => {
  expect(() => readDeviceIdentity(place().keyFile)).toThrow(
    expect.objectContaining({ code: 'IDENTITY_MISSING' }),
  );
  const { keyFile, recordFile } = place();
  mkdirSync(recordFile);
  expect(() => readDeviceIdentity(keyFile)).toThrow(expect.objectContaining({ code: 'IDENTITY_UNREADABLE' }));
});
