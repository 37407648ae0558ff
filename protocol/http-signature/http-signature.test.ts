import { createPrivateKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { signatureCheck, signEd25519, verifyEd25519 } from '../../base/signing/ed25519.ts';
import { deviceIdOf } from '../../base/signing/key-id.ts';
import vectors from '../../test/vectors/http-signatures.json';
import { SIGNATURE_WINDOW_S } from '../limits.ts';
import { contentDigest, digestMatches } from './content-digest.ts';
import { type ReceivedRequest, readSignedRequest } from './read.ts';
import { signRequest } from './sign.ts';
import { signatureBase } from './signature-base.ts';
import { parseBytes, parseSignatureInput, serialiseInput } from './structured-fields.ts';

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const privateKey = createPrivateKey({
  ...{ key: Buffer.concat([PKCS8, Buffer.from(vectors.key.seed_hex, 'hex')]), format: 'der', type: 'pkcs8' },
});
const publicKey = Uint8Array.from(Buffer.from(vectors.key.public_key_hex, 'hex'));
const signer = {
  key_id: vectors.key.key_id,
  sign: (message: Uint8Array) => signEd25519(privateKey, message),
};
const utf8 = (text: string) => new TextEncoder().encode(text);
const NOW_S = 1_789_992_000;
const ours = { isOwnAuthority: (name: string) => name === 'coordinator.example', now_s: NOW_S };

/** A signed heartbeat as it arrives, with what an attacker changed on the way. */
function received(
  changed: Partial<ReceivedRequest> & { fields?: Record<string, string | null> } = {},
): ReceivedRequest {
  const body = utf8('{"uptime_s":60}');
  const url = new URL('https://coordinator.example/agent/heartbeat');
  const signed = signRequest({ method: 'POST', url, body }, signer, { sequence: 7, created_s: NOW_S });
  const { fields, ...rest } = changed;
  const all: Record<string, string | null> = { ...signed, ...fields };
  return {
    ...{ method: 'POST', authority: url.host, path: url.pathname, query: '', body },
    field: (name) => all[name] ?? null,
    ...rest,
  };
}

/** The code of the refusal, or `accepted`. */
function judge(request: ReceivedRequest, reader = ours): string {
  try {
    const claimed = readSignedRequest(request, reader);
    return verifyEd25519(publicKey, claimed.base, claimed.signature) ? 'accepted' : 'wrong';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('the vectors', () => {
  test('the example of RFC 9421 appendix B.2.6 gives its base and its signature', () => {
    const { rfc } = vectors;
    const [input] = parseSignatureInput(rfc.signature_input);
    if (!input) throw new Error('the example has an input');
    const fields: Record<string, string> = rfc.fields;
    const base = signatureBase({ ...rfc, field: (name) => fields[name] ?? null }, input);
    expect(new TextDecoder().decode(base)).toBe(rfc.base);
    const signature = parseBytes(rfc.signature, 'Signature').get(input.label);
    expect(Buffer.from(signEd25519(privateKey, base))).toEqual(Buffer.from(signature ?? []));
    expect(signatureCheck(publicKey)?.(base, signature ?? new Uint8Array())).toBe(true);
    expect(serialiseInput(input.components, Object.fromEntries(input.parameters))).toBe(input.text);
  });

  test.each(vectors.content_digest)(
    'the digest of $body is that of RFC 9530 and RFC 9421',
    ({ body, value }) => {
      expect(contentDigest(utf8(body))).toBe(value);
      expect(digestMatches(value, utf8(body))).toBe(true);
      expect(digestMatches(value, utf8(`${body} `))).toBe(false);
    },
  );

  test.each(vectors.profile)(
    '$name is signed as written down, and accepted',
    ({ request, headers, base }) => {
      const url = new URL(request.url);
      const body = utf8(request.body);
      expect(signRequest({ method: request.method, url, body }, signer, request)).toEqual(headers);
      const fields: Record<string, string> = headers;
      const claimed = readSignedRequest(
        {
          ...{ method: request.method, authority: url.host, path: url.pathname, query: url.search, body },
          field: (name) => fields[name] ?? null,
        },
        { isOwnAuthority: (name) => name === url.host, now_s: request.created_s },
      );
      expect(new TextDecoder().decode(claimed.base)).toBe(base);
      expect(claimed).toMatchObject({ key_id: deviceIdOf(publicKey), sequence: request.sequence });
      expect(verifyEd25519(publicKey, claimed.base, claimed.signature)).toBe(true);
    },
  );
});

describe('a request', () => {
  test('is accepted as it was signed', () => expect(judge(received())).toBe('accepted'));

  test.each([
    ['no signature', { fields: { signature: null } }, 'SIGNATURE_MISSING'],
    ['no input', { fields: { 'signature-input': null } }, 'SIGNATURE_MISSING'],
    ['another method', { method: 'PUT' }, 'wrong'],
    ['another path', { path: '/agent/state' }, 'wrong'],
    ['a query that was not there', { query: '?force=1' }, 'wrong'],
    ['another body', { body: utf8('{"uptime_s":61}') }, 'SIGNATURE_BODY'],
    [
      'another body with its digest',
      { body: utf8('{}'), fields: { 'content-digest': contentDigest(utf8('{}')) } },
      'wrong',
    ],
    ['no digest', { fields: { 'content-digest': null } }, 'SIGNATURE_COMPONENT'],
    ['another sequence', { fields: { 'bulkhead-sequence': '8' } }, 'wrong'],
    ['sequence 0', { fields: { 'bulkhead-sequence': '0' } }, 'SIGNATURE_MALFORMED'],
    [
      'a sequence beyond whole numbers',
      { fields: { 'bulkhead-sequence': '9999999999999999' } },
      'SIGNATURE_MALFORMED',
    ],
    ['another host of the sender', { authority: 'other.example' }, 'SIGNATURE_HOST'],
  ] as const)('with %s is refused', (_, changed, code) => {
    expect(judge(received(changed))).toBe(code);
  });

  test('that was signed for another coordinator is refused, whichever name is put into Host', () => {
    const body = utf8('{}');
    const url = new URL('https://other.example/agent/heartbeat');
    const signed = signRequest({ method: 'POST', url, body }, signer, { sequence: 1, created_s: NOW_S });
    expect(judge(received({ body, authority: 'other.example', fields: signed }))).toBe('SIGNATURE_HOST');
    expect(judge(received({ body, fields: signed }))).toBe('wrong');
  });

  test('is taken up to the edge of the window on both sides and not beyond', () => {
    const at = (now_s: number) => judge(received(), { ...ours, now_s });
    expect([NOW_S - SIGNATURE_WINDOW_S, NOW_S + SIGNATURE_WINDOW_S].map(at)).toEqual([
      'accepted',
      'accepted',
    ]);
    const beyond = [NOW_S - SIGNATURE_WINDOW_S - 1, NOW_S + SIGNATURE_WINDOW_S + 1];
    expect(beyond.map(at)).toEqual(['SIGNATURE_TIME', 'SIGNATURE_TIME']);
  });

  test.each([
    ['leaves a component out', (input: string) => input.replace('"@authority" ', ''), 'SIGNATURE_INCOMPLETE'],
    [
      'covers a component twice',
      (input: string) => input.replace('"@path"', '"@path" "@path"'),
      'SIGNATURE_COMPONENT',
    ],
    [
      'covers what is not there',
      (input: string) => input.replace('"@path"', '"@path" "x-none"'),
      'SIGNATURE_COMPONENT',
    ],
    [
      'names another algorithm',
      (input: string) => input.replace('ed25519', 'hmac-sha256'),
      'SIGNATURE_MALFORMED',
    ],
    ['has another tag', (input: string) => input.replace('bulkhead-agent', 'web-bot'), 'SIGNATURE_MALFORMED'],
    ['promises an end', (input: string) => `${input};expires=1`, 'SIGNATURE_MALFORMED'],
    ['has no key', (input: string) => input.replace(/;keyid="\w+"/, ''), 'SIGNATURE_MALFORMED'],
    ['has no time', (input: string) => input.replace(/;created=\d+/, ''), 'SIGNATURE_MALFORMED'],
    ['is cut off', (input: string) => input.slice(0, -3), 'SIGNATURE_MALFORMED'],
    ['is another label', (input: string) => input.replace('bulkhead=', 'sig1='), 'SIGNATURE_MISSING'],
    [
      'orders the components anew',
      (input: string) => input.replace('"@method" "@authority"', '"@authority" "@method"'),
      'wrong',
    ],
  ])('whose input %s is refused', (_, change, code) => {
    const input = received().field('signature-input') ?? '';
    expect(change(input)).not.toBe(input);
    expect(judge(received({ fields: { 'signature-input': change(input) } }))).toBe(code);
  });

  test('with the signature of a proxy beside ours is accepted', () => {
    const request = received();
    const fields = {
      'signature-input': `proxy=("@path");created=1, ${request.field('signature-input')}`,
      signature: `${request.field('signature')}, proxy=:AAAA:`,
    };
    expect(judge(received({ fields }))).toBe('accepted');
  });

  test('is refused with one bit of its signature changed, whichever', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 511 }), (bit) => {
        const bytes =
          parseBytes(received().field('signature') ?? '', 'Signature').get('bulkhead') ?? new Uint8Array();
        const byte = bytes[bit >> 3] ?? 0;
        bytes[bit >> 3] = byte ^ (1 << (bit & 7));
        const signature = `bulkhead=:${Buffer.from(bytes).toString('base64')}:`;
        expect(judge(received({ fields: { signature } }))).toBe('wrong');
      }),
      { numRuns: 60 },
    );
  });

  test('is refused with a reason, or passed over, for whatever stands in its fields', () => {
    const input = received().field('signature-input') ?? '';
    fc.assert(
      fc.property(fc.integer({ min: 0, max: input.length }), fc.string({ maxLength: 3 }), (at, text) => {
        const changed = input.slice(0, at) + text + input.slice(at);
        expect(judge(received({ fields: { 'signature-input': changed } }))).toMatch(
          /^(SIGNATURE_\w+|wrong|accepted)$/,
        );
      }),
    );
  });
});
