import { createHash, createPrivateKey, type KeyObject, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isPublicKey, publicKeyObject, signEd25519, verifyEd25519 } from './ed25519.ts';

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n;

/** RFC 8032 section 7.1: private key, public key, message, signature. */
const RFC_8032 = [
  [
    'TEST 1',
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    'TEST 2',
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'TEST 3',
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
  [
    'TEST SHA(abc)',
    '833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42',
    'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
  ],
] as const;

const [, seedHex, publicHex, messageHex, signatureHex] = RFC_8032[2];
const [key, message, signature] = [bytes(publicHex), bytes(messageHex), bytes(signatureHex)];

/** What the library alone says. */
const libraryVerifies = (public_key: Uint8Array, signed: Uint8Array, sig: Uint8Array) =>
  verify(null, signed, publicKeyObject(public_key), sig);

describe('the vectors of RFC 8032', () => {
  test.each(RFC_8032)('%s signs and verifies', (_, seed, public_key, text, sig) => {
    expect(Buffer.from(signEd25519(privateKey(seed), bytes(text))).toString('hex')).toBe(sig);
    expect(verifyEd25519(bytes(public_key), bytes(text), bytes(sig))).toBe(true);
    expect(isPublicKey(bytes(public_key))).toBe(true);
  });
});

describe('refused', () => {
  test('any one bit that is flipped in signature, key or message', () => {
    for (let bit = 0; bit < 512; bit++)
      expect(verifyEd25519(key, message, flipped(signature, bit)), `signature bit ${bit}`).toBe(false);
    for (let bit = 0; bit < 256; bit++)
      expect(verifyEd25519(flipped(key, bit), message, signature), `key bit ${bit}`).toBe(false);
    for (let bit = 0; bit < 16; bit++)
      expect(verifyEd25519(key, flipped(message, bit), signature), `message bit ${bit}`).toBe(false);
  });

  test('every length but 64 of a signature and every one but 32 of a key', () => {
    for (let length = 0; length < 64; length++)
      expect(verifyEd25519(key, message, signature.subarray(0, length))).toBe(false);
    expect(verifyEd25519(key, message, new Uint8Array([...signature, 0]))).toBe(false);
    for (let length = 0; length < 32; length++) {
      expect(verifyEd25519(key.subarray(0, length), message, signature)).toBe(false);
      expect(isPublicKey(key.subarray(0, length))).toBe(false);
    }
    expect(verifyEd25519(new Uint8Array([...key, 0]), message, signature)).toBe(false);
  });

  test('S to which the order of the group was added, as often as it fits', () => {
    const s = numberOf(signature.subarray(32));
    for (let more = s + L; more < 2n ** 256n; more += L) {
      const malleated = new Uint8Array([...signature.subarray(0, 32), ...encoded(more)]);
      expect(verifyEd25519(key, message, malleated)).toBe(false);
    }
  });

  test('a key of small order, under which a library takes one signature for every message', () => {
    const [s, identity] = [12_345n, encoded(1n)];
    const forged = new Uint8Array([...encode(times(s, BASE)), ...encoded(s)]);
    expect(libraryVerifies(identity, bytes('00'), forged)).toBe(true);
    expect(libraryVerifies(identity, bytes('01'), forged)).toBe(true);
    expect(verifyEd25519(identity, bytes('00'), forged)).toBe(false);
    for (const point of torsion()) {
      expect(isPublicKey(encode(point))).toBe(false);
      expect(verifyEd25519(encode(point), bytes('00'), forged)).toBe(false);
    }
  });

  test('an R of small order, which the owner of a key can make and a library takes', () => {
    const r = encoded(1n);
    const k = numberOf(createHash('sha512').update(r).update(key).update(message).digest());
    const odd = new Uint8Array([...r, ...encoded((k * scalarOf(bytes(seedHex))) % L)]);
    expect(libraryVerifies(key, message, odd)).toBe(true);
    expect(verifyEd25519(key, message, odd)).toBe(false);
  });

  test('a y that is not below the field, though the library reads a point from it', () => {
    const forged = new Uint8Array([...encode(BASE), ...encoded(1n)]);
    expect(libraryVerifies(encoded(P + 1n), message, forged)).toBe(true);
    for (let y = P; y < 2n ** 255n; y++) {
      for (const sign of [0n, 2n ** 255n]) {
        expect(isPublicKey(encoded(y + sign)), `p + ${y - P}`).toBe(false);
        expect(verifyEd25519(encoded(y + sign), message, forged)).toBe(false);
        const odd = new Uint8Array([...encoded(y + sign), ...signature.subarray(32)]);
        expect(verifyEd25519(key, message, odd)).toBe(false);
      }
    }
  });

  test('as a key what is no point of the curve', () => {
    const noPoints = Array.from({ length: 60 }, (_, y) => BigInt(y)).filter((y) => xOf(y) === undefined);
    expect(noPoints.length).toBeGreaterThan(10);
    for (const y of noPoints) expect(isPublicKey(encoded(y))).toBe(false);
  });
});

test('what a key signs verifies, under that key and for that message alone', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.uint8Array({ maxLength: 300 }),
      (seed, text) => {
        const pair = privateKey(Buffer.from(seed).toString('hex'));
        const sig = signEd25519(pair, text);
        const own = encode(times(scalarOf(seed), BASE));
        expect(isPublicKey(own)).toBe(true);
        expect(verifyEd25519(own, text, sig)).toBe(true);
        expect(verifyEd25519(key, text, sig)).toBe(false);
        expect(verifyEd25519(own, new Uint8Array([...text, 0]), sig)).toBe(false);
      },
    ),
    { numRuns: 20 },
  );
});

test('there are eight points of small order and no more: their y are those that are refused', () => {
  const points = torsion();
  expect(new Set(points.map((point) => Buffer.from(encode(point)).toString('hex'))).size).toBe(8);
  for (const point of points) expect(times(8n, point)).toEqual([0n, 1n]);
});

function privateKey(seed: string): KeyObject {
  const der = Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex');
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

function flipped(original: Uint8Array, bit: number): Uint8Array {
  const copy = original.slice();
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

// The curve in affine coordinates, as slow and plain as RFC 8032 section 5.1.4 writes it down.

type Point = readonly [x: bigint, y: bigint];
const D = modulo(-121_665n * inverse(121_666n));
const BASE_Y = modulo(4n * inverse(5n));
const BASE: Point = [evenOf(xOf(BASE_Y) ?? 0n), BASE_Y];

function modulo(value: bigint): bigint {
  return ((value % P) + P) % P;
}

function power(base: bigint, exponent: bigint): bigint {
  let [result, factor] = [1n, modulo(base)];
  for (let bits = exponent; bits > 0n; bits >>= 1n) {
    if (bits & 1n) result = (result * factor) % P;
    factor = (factor * factor) % P;
  }
  return result;
}

function inverse(value: bigint): bigint {
  return power(value, P - 2n);
}

/** One of the two x of a y, or undefined. */
function xOf(y: bigint): bigint | undefined {
  const square = modulo((y * y - 1n) * inverse(D * y * y + 1n));
  const root = power(square, (P + 3n) / 8n);
  return [root, modulo(root * power(2n, (P - 1n) / 4n))].find((x) => modulo(x * x) === square);
}

function evenOf(x: bigint): bigint {
  return x % 2n === 0n ? x : P - x;
}

function add([x1, y1]: Point, [x2, y2]: Point): Point {
  const product = D * x1 * x2 * y1 * y2;
  return [
    modulo((x1 * y2 + x2 * y1) * inverse(1n + product)),
    modulo((y1 * y2 + x1 * x2) * inverse(1n - product)),
  ];
}

function times(count: bigint, point: Point): Point {
  let sum: Point = [0n, 1n];
  let doubled = point;
  for (let bits = count; bits > 0n; bits >>= 1n) {
    if (bits & 1n) sum = add(sum, doubled);
    doubled = add(doubled, doubled);
  }
  return sum;
}

/** All multiples of a point of order 8: some point of the curve, times the order of the large group. */
function torsion(): Point[] {
  for (let y = 2n; ; y++) {
    const x = xOf(y);
    if (x === undefined) continue;
    const point = times(L, [x, y]);
    const all = Array.from({ length: 8 }, (_, count) => times(BigInt(count), point));
    if (times(4n, point)[1] !== 1n) return all;
  }
}

function encode([x, y]: Point): Uint8Array {
  return encoded(y + (x % 2n) * 2n ** 255n);
}

function encoded(value: bigint): Uint8Array {
  return Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse());
}

function numberOf(little: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(little).reverse().toString('hex')}`);
}

function scalarOf(seed: Uint8Array): bigint {
  const digest = Uint8Array.from(createHash('sha512').update(seed).digest().subarray(0, 32));
  digest[0] = (digest[0] ?? 0) & 0xf8;
  digest[31] = ((digest[31] ?? 0) & 0x7f) | 0x40;
  return numberOf(digest);
}
