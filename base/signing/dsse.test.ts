import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BulkheadError } from '../errors.ts';
import {
  type Envelope,
  parseEnvelope,
  preAuthEncoding,
  type Signer,
  serialiseEnvelope,
  signEnvelope,
  verifyEnvelope,
} from './dsse.ts';
import { signEd25519 } from './ed25519.ts';
import { keyId } from './key-id.ts';
import { ENVELOPE_MAX_BYTES } from './limits.ts';

const TYPE = 'application/example';
const text = (value: string) => new TextEncoder().encode(value);
const code = (wanted: string) => expect.objectContaining({ code: wanted });
const signers = [newSigner(), newSigner(), newSigner()] as const;
const [one, two, three] = signers;
const keysOf = (...of: readonly (typeof one)[]) =>
  new Map(of.map(({ key_id, public_key }) => [key_id, public_key]));
const bare: Envelope = { payloadType: TYPE, payload: text('{"a":1}'), signatures: [] };
const envelope = signEnvelope(signEnvelope(bare, one), two);
const written = new TextDecoder().decode(serialiseEnvelope(envelope));

describe('the pre-authentication encoding', () => {
  test('is that of the protocol', () => {
    // The example of the protocol text.
    expect(
      new TextDecoder().decode(preAuthEncoding('http://example.com/HelloWorld', text('hello world'))),
    ).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
  });

  test('counts bytes, not characters, and takes any bytes', () => {
    expect(Buffer.from(preAuthEncoding('ä', Uint8Array.of(0, 255))).toString('hex')).toBe(
      `${Buffer.from('DSSEv1 2 ä 2 ').toString('hex')}00ff`,
    );
  });

  test('differs for every other type and payload, however they are cut', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (typeA, a, typeB, b) => {
        fc.pre(typeA !== typeB || a !== b);
        // Unpaired surrogates have no form in UTF-8.
        fc.pre([typeA, a, typeB, b].every((value) => value.isWellFormed()));
        const same = Buffer.compare(preAuthEncoding(typeA, text(a)), preAuthEncoding(typeB, text(b))) === 0;
        expect(same).toBe(false);
      }),
    );
  });
});

describe('an envelope', () => {
  test('comes back from its bytes', () => {
    expect(parseEnvelope(text(written), TYPE)).toEqual(envelope);
    expect(parseEnvelope(serialiseEnvelope(bare), TYPE)).toEqual(bare);
  });

  test.each([
    ['a space', written.replace(':', ': '), 'DSSE_MALFORMED'],
    ['a line end behind it', `${written}\n`, 'DSSE_MALFORMED'],
    ['a byte order mark', `\ufeff${written}`, 'DSSE_MALFORMED'],
    ['a field nobody knows', written.replace('{', '{"x":1,'), 'DSSE_MALFORMED'],
    [
      'a field nobody knows in a signature',
      written.replace('{"keyid', '{"alg":"none","keyid'),
      'DSSE_MALFORMED',
    ],
    ['a payload twice', written.replace('{', '{"payload":"",'), 'DSSE_MALFORMED'],
    ['its fields in another order', JSON.stringify(reversed(JSON.parse(written))), 'DSSE_MALFORMED'],
    ['an escape where none is needed', written.replace('payloadType', 'payload\\u0054ype'), 'DSSE_MALFORMED'],
    ['no signatures field', '{"payload":"","payloadType":"application/example"}', 'DSSE_MALFORMED'],
    ['a number as payload', written.replace(/"payload":"[^"]*"/, '"payload":1'), 'DSSE_MALFORMED'],
    ['an array around it', `[${written}]`, 'DSSE_MALFORMED'],
    ['null', 'null', 'DSSE_MALFORMED'],
    ['nothing', '', 'DSSE_MALFORMED'],
    ['a thousand brackets', '['.repeat(1000), 'DSSE_MALFORMED'],
    ['brackets up to the limit', '['.repeat(32_768) + ']'.repeat(32_768), 'DSSE_MALFORMED'],
    ['a key id in capitals', written.replace(one.key_id, one.key_id.toUpperCase()), 'DSSE_MALFORMED'],
    ['a list as key id', written.replace(`"${one.key_id}"`, `["${one.key_id}"]`), 'DSSE_MALFORMED'],
    ['an object as key id', written.replace(`"${one.key_id}"`, '{"toString":0}'), 'DSSE_MALFORMED'],
    ['a signature that is too short', written.replace(/"sig":"..../, '"sig":"'), 'DSSE_MALFORMED'],
    ['another type', written.replace(TYPE, 'application/example2'), 'DSSE_PAYLOAD_TYPE'],
    ['one key twice', written.replace(two.key_id, one.key_id), 'DSSE_KEY_TWICE'],
    ['padding left out', written.replace('fQ==', 'fQ'), 'DSSE_BASE64'],
    ['bits behind the payload', written.replace('fQ==', 'fR=='), 'DSSE_BASE64'],
    ['the alphabet for URLs', JSON.stringify({ ...JSON.parse(written), payload: '-_-_' }), 'DSSE_BASE64'],
    ['a space in the base64', JSON.stringify({ ...JSON.parse(written), payload: 'ab cd' }), 'DSSE_BASE64'],
    ['more than 64 KiB', ' '.repeat(ENVELOPE_MAX_BYTES + 1), 'DSSE_TOO_LONG'],
    ['nine signatures', nineSignatures(), 'DSSE_MALFORMED'],
  ])('is refused with %s', (_, changed, expected) => {
    expect(changed).not.toBe(written);
    expect(() => parseEnvelope(text(changed), TYPE)).toThrow(code(expected));
  });

  test('is refused when it is no UTF-8', () => {
    const bytes = text(written);
    bytes[20] = 0xff;
    expect(() => parseEnvelope(bytes, TYPE)).toThrow(code('DSSE_MALFORMED'));
  });

  test('may carry eight signatures', () => {
    expect(parseEnvelope(text(signedBy(8)), TYPE).signatures).toHaveLength(8);
    expect(() => signedBy(9)).toThrow(code('DSSE_FULL'));
  });
});

describe('signatures', () => {
  test('count for the keys that are asked about, others are passed over', () => {
    expect(verifyEnvelope(envelope, keysOf(one, two, three))).toEqual([one.key_id, two.key_id]);
    expect(verifyEnvelope(envelope, keysOf(two))).toEqual([two.key_id]);
    expect(verifyEnvelope(envelope, keysOf(three))).toEqual([]);
  });

  test('signing again puts one in place of the old one', () => {
    expect(signEnvelope(envelope, one).signatures.map(({ keyid }) => keyid)).toEqual([
      two.key_id,
      one.key_id,
    ]);
  });

  test('of nobody are refused', () => {
    expect(() => verifyEnvelope(bare, keysOf(one))).toThrow(code('DSSE_UNSIGNED'));
  });

  test('that are wrong are refused although another is right', () => {
    const { signatures } = envelope;
    const swapped = {
      ...envelope,
      signatures: signatures.map((entry, at) => ({ ...entry, sig: signatures[1 - at]?.sig ?? entry.sig })),
    };
    const half = {
      ...envelope,
      signatures: [signatures[0], { ...signatures[1], sig: new Uint8Array(64) }],
    } as Envelope;
    for (const wrong of [swapped, half])
      expect(() => verifyEnvelope(wrong, keysOf(one, two))).toThrow(code('DSSE_SIGNATURE_WRONG'));
    expect(verifyEnvelope(half, keysOf(one))).toEqual([one.key_id]);
  });

  test('hold the payload type', () => {
    const other = { ...envelope, payloadType: 'application/other' };
    expect(() => verifyEnvelope(other, keysOf(one))).toThrow(code('DSSE_SIGNATURE_WRONG'));
  });
});

test('no flipped bit of an envelope is taken', () => {
  const bytes = text(written);
  const keys = keysOf(one, two);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = bytes.slice();
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    let signed: string[];
    try {
      signed = verifyEnvelope(parseEnvelope(damaged, TYPE), keys);
    } catch (error) {
      expect(error).toBeInstanceOf(BulkheadError);
      continue;
    }
    // A key id of which one digit changed is that of a stranger: one signature less.
    expect(signed.length, `bit ${bit}`).toBe(1);
  }
});

function newSigner(): Signer & { public_key: Uint8Array } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const public_key = Uint8Array.from(publicKey.export({ type: 'spki', format: 'der' }).subarray(-32));
  return { key_id: keyId(public_key), public_key, sign: (message) => signEd25519(privateKey, message) };
}

function signedBy(count: number): string {
  const signed = Array.from({ length: count }, newSigner).reduce(signEnvelope, bare);
  return new TextDecoder().decode(serialiseEnvelope(signed));
}

function nineSignatures(): string {
  const eight = JSON.parse(signedBy(8)) as { signatures: unknown[] };
  return JSON.stringify({
    ...eight,
    signatures: [...eight.signatures, { keyid: 'a'.repeat(32), sig: `${'A'.repeat(86)}==` }],
  });
}

function reversed(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).reverse());
}
