import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { type Envelope, signEnvelope } from '../../base/signing/dsse.ts';
import { signedKeyset, type TestKey, testKey, withRoles } from '../testing/test-keys.ts';
import { type Keyset, parseKeyset } from './keyset.ts';
import { changeKeyset, createKeyset, type KeysetChange, unsignedKeyset } from './keyset-edit.ts';
import { serialiseKeysetFile } from './keyset-file.ts';
import { KEYSETS_MAX } from './limits.ts';
import { acceptKeysets, anchorTrust, requireReleaseSignature, trustedTime } from './trust.ts';
import { loadTrustedKeys, storeDeviceKeyset, trustKeysetFile } from './trusted-keys.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-keysets-'));
afterAll(() => rmSync(folder, { recursive: true }));

const code = (wanted: string) => expect.objectContaining({ code: wanted });
const [rootA, rootB, rootC, rootD, releaseA, releaseB] = ['rA', 'rB', 'rC', 'rD', 'A', 'B'].map(testKey) as [
  TestKey,
  TestKey,
  TestKey,
  TestKey,
  TestKey,
  TestKey,
];
const DAY_MS = 86_400_000;
const START_MS = Date.parse('2026-01-01T00:00:00Z');
const START = new Date(START_MS);

/** Two root keys of which both have to sign, one release key. */
const first = createKeyset(
  [withRoles(rootA, 'root'), withRoles(rootB, 'root'), withRoles(releaseA, 'release')],
  2,
  START_MS,
);
const firstSigned = signedKeyset(first, rootA, rootB);
const trusted = anchorTrust(firstSigned);
const changed = (change: KeysetChange, from: Keyset = first) => changeKeyset(from, change, START_MS + DAY_MS);
const second = changed({ add: [withRoles(releaseB, 'release')] });
const released = (...by: TestKey[]): Envelope =>
  by.reduce<Envelope>(signEnvelope, {
    payloadType: 'application/test',
    payload: Uint8Array.of(1),
    signatures: [],
  });

describe('the first set', () => {
  test('is trusted when as many of its own root keys signed as it asks for', () => {
    expect(trusted.keyset).toEqual(first);
    expect(() => anchorTrust(signedKeyset(first, rootA))).toThrow(code('KEYS_UNSIGNED_SET'));
    expect(() => anchorTrust(signedKeyset(first, rootA, releaseA))).toThrow(code('KEYS_UNSIGNED_SET'));
    expect(() => anchorTrust(unsignedKeyset(first))).toThrow(code('KEYS_UNSIGNED_SET'));
  });

  test.each<[string, object]>([
    ['no root key', { keys: first.keys.slice(2) }],
    ['fewer root keys than have to sign', { root_threshold: 3 }],
    ['a threshold of none', { root_threshold: 0 }],
    [
      'a root key revoked below the threshold',
      { revoked: [{ id: rootA.key_id, since: first.issued_at, reason: '' }] },
    ],
    ['a key twice', { keys: [...first.keys, first.keys[0]] }],
    [
      'a revocation twice',
      { revoked: Array(2).fill({ id: releaseB.key_id, since: first.issued_at, reason: '' }) },
    ],
    [
      'an id of another key',
      { keys: first.keys.map((key) => ({ ...key, id: releaseB.key_id.slice(0, 31) + key.id[0] })) },
    ],
    ['a key that is no point', { keys: [...first.keys, keyOf(Buffer.alloc(32, 2))] }],
    [
      'a key of small order',
      { keys: [...first.keys, keyOf(Buffer.concat([Buffer.of(1), Buffer.alloc(31)]))] },
    ],
    [
      'a root key that ends',
      { keys: first.keys.map((key) => ({ ...key, not_after: '2030-01-01T00:00:00Z' })) },
    ],
    ['a day that does not exist', { issued_at: '2026-06-31T00:00:00Z' }],
    ['an instant in another zone', { issued_at: '2026-01-01T00:00:00+01:00' }],
    ['a role nobody knows', { keys: first.keys.map((key) => ({ ...key, roles: ['admin'] })) }],
    ['a field nobody knows', { extra: 1 }],
    ['a list as instant', { issued_at: [first.issued_at] }],
    ['an object as id', { keys: first.keys.map((key) => ({ ...key, id: { toString: 0 } })) }],
    ['version 0', { version: 0 }],
    ['another format', { format: 2 }],
  ])('is refused with %s', (_, wrong) => {
    const payload = new TextEncoder().encode(JSON.stringify({ ...first, ...wrong }));
    expect(() => parseKeyset(payload)).toThrow(code('KEYS_SET_INVALID'));
  });

  test('is refused when its JSON can be read in two ways', () => {
    const text = JSON.stringify(first);
    for (const wrong of [`${text} `, text.replace('{', '{"version":7,'), '{', '[]', '\ufeff{}'])
      expect(() => parseKeyset(new TextEncoder().encode(wrong))).toThrow(code('KEYS_SET_INVALID'));
  });
});

describe('a newer set', () => {
  test('is taken when the root keys of the set before signed it and its own did', () => {
    const result = acceptKeysets(trusted, [signedKeyset(second, rootA, rootB)]);
    expect(result).toMatchObject({ changed: true, trusted: { keyset: second } });
  });

  test('is refused without enough signatures of the set before', () => {
    for (const signers of [[rootA], [rootA, releaseA], [rootC, releaseB], []])
      expect(() => acceptKeysets(trusted, [signedKeyset(second, ...signers)])).toThrow(
        code('KEYS_SUCCESSOR_REFUSED'),
      );
  });

  test('is refused when its own root keys have not signed, for nobody could go on from it', () => {
    const replaced = changed({
      add: [withRoles(rootC, 'root'), withRoles(rootD, 'root')],
      remove: [rootA.key_id, rootB.key_id],
    });
    expect(() => acceptKeysets(trusted, [signedKeyset(replaced, rootA, rootB, rootC)])).toThrow(
      code('KEYS_SUCCESSOR_REFUSED'),
    );
    const all = signedKeyset(replaced, rootA, rootB, rootC, rootD);
    expect(acceptKeysets(trusted, [all]).trusted.keyset.version).toBe(2);
  });

  test('is refused with a wrong signature of a root key, whatever else signed it', () => {
    const { signatures } = signedKeyset(second, rootA, rootB);
    const envelope = { ...unsignedKeyset({ ...second, version: 3 }), signatures };
    expect(() => acceptKeysets(trusted, [envelope])).toThrow(code('DSSE_SIGNATURE_WRONG'));
  });

  test('of the same or a lower version changes nothing, whatever is in it', () => {
    const other = signedKeyset({ ...second, version: 1 }, rootA, rootB);
    expect(acceptKeysets(trusted, [other, firstSigned])).toEqual({ trusted, changed: false });
  });

  test('may leave out numbers', () => {
    const far = signedKeyset({ ...second, version: 900 }, rootA, rootB);
    expect(acceptKeysets(trusted, [far]).trusted.keyset.version).toBe(900);
  });

  test('cannot forget a revocation', () => {
    const revoking = changed({
      revoke: [releaseA.key_id],
      reason: 'lost',
      add: [withRoles(releaseB, 'release')],
    });
    const then = acceptKeysets(trusted, [signedKeyset(revoking, rootA, rootB)]).trusted;
    const forgetting = { ...changed({}, revoking), revoked: [] };
    expect(() => acceptKeysets(then, [signedKeyset(forgetting, rootA, rootB)])).toThrow(
      code('KEYS_SUCCESSOR_REFUSED'),
    );
    expect(() => changed({ revoke: [rootA.key_id] })).toThrow(code('KEYS_SET_INVALID'));
    expect(() => changed({ remove: [rootC.key_id] })).toThrow(code('KEYS_ID_UNKNOWN'));
  });
});

/** Four sets, the root keys replaced one by one: C comes, A goes, D comes for B. */
const chain = (() => {
  const two = changed({ add: [withRoles(rootC, 'root')] });
  const three = changed({ remove: [rootA.key_id] }, two);
  const four = changed(
    { remove: [rootB.key_id], add: [withRoles(rootD, 'root')], revoke: [releaseA.key_id] },
    three,
  );
  return [
    firstSigned,
    signedKeyset(two, rootA, rootB),
    signedKeyset(three, rootB, rootC),
    signedKeyset(four, rootB, rootC, rootD),
  ];
})();

describe('a chain', () => {
  test('leads from every set in it to the newest', () => {
    for (const anchor of chain) {
      const { trusted: end } = acceptKeysets(anchorTrust(anchor), chain);
      expect(end.keyset.version).toBe(4);
    }
  });

  test('never goes back: following it in any order ends at most as new, and never loses trust that was gained', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(chain, { minLength: 1 }), (some) => {
        let state = trusted;
        for (const envelope of some) {
          const before = state.keyset;
          try {
            state = acceptKeysets(state, [envelope]).trusted;
          } catch (error) {
            expect(error).toEqual(code('KEYS_SUCCESSOR_REFUSED'));
          }
          expect(state.keyset.version).toBeGreaterThanOrEqual(before.version);
          for (const { id } of before.revoked)
            expect(state.keyset.revoked.map((entry) => entry.id)).toContain(id);
        }
      }),
    );
  });

  test('is refused when it is longer than a life', () => {
    let set = first;
    const long = Array.from({ length: KEYSETS_MAX }, () => {
      set = changed({}, set);
      return signedKeyset(set, rootA, rootB);
    });
    expect(acceptKeysets(trusted, long.slice(1)).trusted.keyset.version).toBe(KEYSETS_MAX + 1);
    expect(() => acceptKeysets(trusted, long)).toThrow(code('KEYS_CHAIN_TOO_LONG'));
  });
});

describe('a release', () => {
  test('is taken with a signature of a release key', () => {
    expect(requireReleaseSignature(released(releaseA, testKey('stranger')), trusted, START)).toEqual([
      releaseA.key_id,
    ]);
  });

  test.each<[string, TestKey[], string]>([
    ['a key nobody knows', [testKey('stranger')], 'KEYS_UNKNOWN'],
    ['a root key', [rootA], 'KEYS_WRONG_ROLE'],
    ['a revoked key', [releaseA, rootA], 'KEYS_REVOKED'],
    ['nobody', [], 'DSSE_UNSIGNED'],
  ])('is refused when it is signed by %s', (_, by, expected) => {
    const set = { ...first, revoked: [{ id: releaseA.key_id, since: first.issued_at, reason: 'stolen' }] };
    const state = anchorTrust(signedKeyset(set, rootA, rootB));
    expect(() => requireReleaseSignature(released(...by), state, new Date(0))).toThrow(code(expected));
  });

  test('is refused from the instant on at which its key ends, also on a clock that is behind', () => {
    const end = '2026-03-01T00:00:00Z';
    const keys = [withRoles(rootA, 'root'), { ...withRoles(releaseA, 'release'), not_after: end }];
    const state = anchorTrust(signedKeyset(createKeyset(keys, 1, START_MS), rootA));
    const at = (time_ms: number) => () =>
      requireReleaseSignature(released(releaseA), state, new Date(time_ms));
    expect(at(Date.parse(end) - 1000)()).toEqual([releaseA.key_id]);
    expect(at(Date.parse(end))).toThrow(code('KEYS_EXPIRED'));
    const later = { keyset: { ...state.keyset, issued_at: end }, chain: [] };
    expect(() => requireReleaseSignature(released(releaseA), later, new Date(0))).toThrow(
      code('KEYS_EXPIRED'),
    );
  });
});

test('the time is the latest of the clock and what is known to have happened', () => {
  expect(trustedTime(5, [])).toBe(5);
  expect(trustedTime(5, ['1970-01-01T00:00:01Z', 'nonsense', ''])).toBe(1000);
  expect(trustedTime(2000, ['1970-01-01T00:00:01Z'])).toBe(2000);
});

describe('on the appliance', () => {
  const image = join(folder, 'image.json');
  const device = join(folder, 'update/keyset.json');
  const put = (path: string, envelopes: readonly Envelope[]) =>
    writeFileSync(path, serialiseKeysetFile(envelopes));

  test("the image's set holds until a newer one is stored", () => {
    put(image, chain.slice(0, 1));
    expect(loadTrustedKeys(image, device)).toMatchObject({ keys: { keyset: { version: 1 } }, problem: null });
    const { trusted: newer } = acceptKeysets(trustKeysetFile(image), chain);
    storeDeviceKeyset(device, newer);
    expect(loadTrustedKeys(image, device)).toEqual({ keys: newer, problem: null });
  });

  test('what a newer image learned is there for the older one after a rollback', () => {
    put(image, chain.slice(0, 3));
    storeDeviceKeyset(device, acceptKeysets(trustKeysetFile(image), chain.slice(3)).trusted);
    put(image, chain.slice(0, 1));
    expect(loadTrustedKeys(image, device).keys.keyset.version).toBe(4);
  });

  test("a newer image wins over the device's older sets", () => {
    storeDeviceKeyset(device, { keyset: first, chain: chain.slice(0, 2) });
    put(image, chain.slice(3));
    expect(loadTrustedKeys(image, device)).toMatchObject({ keys: { keyset: { version: 4 } }, problem: null });
  });

  test.each<[string, () => void]>([
    ['is empty', () => writeFileSync(device, '')],
    ['was cut', () => writeFileSync(device, readFileSync(device).subarray(0, 100))],
    ['is an empty list', () => writeFileSync(device, '[]')],
    ['is one envelope instead of a list', () => writeFileSync(device, readFileSync(device).subarray(1, -1))],
    ['is far too long', () => writeFileSync(device, Buffer.alloc(2_000_000, ' '))],
    [
      'holds sets of other people',
      () => put(device, [signedKeyset({ ...second, version: 9 }, rootC, releaseB)]),
    ],
    ['lacks a set between', () => put(device, chain.slice(3))],
    ['is a folder', () => rmSync(device)],
  ])("the device's file is passed over and told when it %s", (what, damage) => {
    put(image, chain.slice(0, 1));
    put(device, chain);
    damage();
    const { keys, problem } = loadTrustedKeys(image, what === 'is a folder' ? folder : device);
    expect(keys.keyset.version).toBe(1);
    expect(problem).toEqual(code('KEYS_DEVICE_SET_IGNORED'));
    expect(problem?.cause).toBeInstanceOf(Error);
  });

  test("a missing or damaged file of the image is an error, whatever the device's says", () => {
    put(device, chain);
    expect(() => loadTrustedKeys(join(folder, 'none'), device)).toThrow(code('KEYS_FILE_UNREADABLE'));
    writeFileSync(image, '[');
    expect(() => loadTrustedKeys(image, device)).toThrow(code('KEYS_FILE_INVALID'));
    put(
      image,
      [chain[0], signedKeyset(second, rootA)].filter((entry) => entry !== undefined),
    );
    expect(() => loadTrustedKeys(image, device)).toThrow(code('KEYS_SUCCESSOR_REFUSED'));
  });

  test('a set that cannot be stored is an error', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    chmodSync(file, 0o400);
    expect(() => storeDeviceKeyset(join(file, 'keyset.json'), trusted)).toThrow(code('KEYS_STORE_FAILED'));
    expect(existsSync(join(folder, 'update/keyset.json.new'))).toBe(false);
  });
});

function keyOf(raw: Uint8Array) {
  return { id: 'a'.repeat(32), public_key: Buffer.from(raw).toString('base64'), roles: ['release'] };
}
