import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { generateSealingKey, sealingKeyFrom } from '../../base/signing/hpke.ts';
import vectors from '../../test/vectors/session-keys.json';
import { readSignedRequest } from '../http-signature/read.ts';
import { signRequest } from '../http-signature/sign.ts';
import { parseSessionKeyName, sessionKeyName } from './name.ts';
import {
  checkSessionSignature,
  grantSessionKey,
  type SessionKey,
  sessionSigner,
  wishForSessionKey,
} from './session-key.ts';

const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));
const utf8 = (text: string) => new TextEncoder().encode(text);
const { key_id, expires_s, name, heartbeat } = vectors;
const session: SessionKey = { name, expires_s, secret: hex(vectors.secret_hex) };
const { answer } = vectors.grant;

/** The vector's heartbeat as it arrives, with what was changed on the way. */
function received(fields: Record<string, string> = {}) {
  const url = new URL(heartbeat.request.url);
  const all: Record<string, string> = { ...heartbeat.headers, ...fields };
  return readSignedRequest(
    {
      ...{ method: 'POST', authority: url.host, path: url.pathname, query: '' },
      ...{ field: (field) => all[field] ?? null, body: utf8(heartbeat.request.body) },
    },
    { isOwnAuthority: () => true, now_s: heartbeat.request.created_s },
  );
}

describe('the vectors', () => {
  test('the wish, the answer and the key in it are those that are written down', () => {
    const wish = wishForSessionKey(sealingKeyFrom(hex(vectors.wish.private_key_hex)));
    expect(wish.public_key).toBe(vectors.wish.session_key_for);
    const sender = sealingKeyFrom(hex(vectors.grant.sender_private_key_hex));
    expect(grantSessionKey(wish.public_key, session, sender)).toEqual(answer);
    expect(wish.take(answer, key_id)).toEqual(session);
  });

  test('the heartbeat is signed as written down, and read as that of the device in a session', () => {
    const { request, headers } = heartbeat;
    const url = new URL(request.url);
    const body = utf8(request.body);
    expect(signRequest({ method: 'POST', url, body }, sessionSigner(session), request)).toEqual(headers);
    const claimed = received();
    expect(claimed).toMatchObject({ key_id, sequence: 8, session: { text: name, key_id, expires_s } });
    expect(checkSessionSignature(session.secret, claimed.base, claimed.signature)).toBe(true);
  });
});

test('an answer is for the one question and the one device that it was given to', () => {
  const [asked, other] = [wishForSessionKey(), wishForSessionKey()];
  const made = grantSessionKey(asked.public_key, session);
  if (!made) throw new Error('it was granted');
  expect(asked.take(made, key_id)).toEqual(session);
  expect(other.take(made, key_id)).toBeUndefined();
  expect(asked.take(made, 'f'.repeat(64))).toBeUndefined();
  expect(asked.take({ ...made, expires_s: expires_s + 1 }, key_id)).toBeUndefined();
  expect(asked.take({ ...made, sealed: answer.sealed }, key_id)).toBeUndefined();
});

test('nothing is sealed for a key that everybody could open', () => {
  expect(grantSessionKey(Buffer.alloc(32).toString('base64'), session)).toBeUndefined();
});

test.each([
  ['the algorithm of the device', { from: 'hmac-sha256', to: 'ed25519' }],
  ['the tag of the device', { from: 'bulkhead-session', to: 'bulkhead-agent' }],
  ['a name without an end', { from: `.${expires_s}`, to: '' }],
  ['an end in another form', { from: `.${expires_s}`, to: `.0${expires_s}` }],
])('a signature with %s is none of a session', (_, { from, to }) => {
  const input = heartbeat.headers['signature-input'];
  const changed = input.replace(from, to);
  expect(changed).not.toBe(input);
  expect(() => received({ 'signature-input': changed })).toThrow(/cannot be read/);
});

test('a key signs one message in one way: any change of either is seen', () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 });
  const secret = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(secret, secret, bytes, fc.nat(), (own, other, message, place) => {
      const signature = sessionSigner({ name, expires_s, secret: own }).sign(message);
      expect(checkSessionSignature(own, message, signature)).toBe(true);
      expect(checkSessionSignature(other, message, signature)).toBe(Buffer.compare(own, other) === 0);
      const flipped = (bytes: Uint8Array) =>
        bytes.map((byte, at) => (at === place % bytes.length ? byte ^ 1 : byte));
      expect(checkSessionSignature(own, flipped(message), signature)).toBe(false);
      expect(checkSessionSignature(own, message, flipped(signature))).toBe(false);
      expect(checkSessionSignature(own, message, signature.subarray(1))).toBe(false);
    }),
    { numRuns: 50 },
  );
});

test('a name is read in the one form in which it is written', () => {
  expect(parseSessionKeyName(sessionKeyName(key_id, expires_s))).toEqual({ text: name, key_id, expires_s });
  fc.assert(
    fc.property(fc.string(), (text) => {
      const read = parseSessionKeyName(text);
      expect(read === undefined || sessionKeyName(read.key_id, read.expires_s) === text).toBe(true);
    }),
  );
});

test('two wishes are never the same', () => {
  expect(wishForSessionKey().public_key).not.toBe(wishForSessionKey().public_key);
  expect(generateSealingKey().public_key).toHaveLength(32);
});
