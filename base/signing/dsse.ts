import { Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { BulkheadError } from '../errors.ts';
import { verifyEd25519 } from './ed25519.ts';
import { ENVELOPE_MAX_BYTES, SIGNATURES_MAX } from './limits.ts';

/**
 * DSSE (Dead Simple Signing Envelope, protocol version 1): a payload, its type and signatures over both. An envelope has one
 * form in bytes here, so nothing can be changed in it without being seen, and its payload is what is then parsed.
 */
export interface Envelope {
  payloadType: string;
  payload: Uint8Array;
  signatures: readonly EnvelopeSignature[];
}

export interface EnvelopeSignature {
  /** Id of the key as in a key set. */
  keyid: string;
  /** 64 bytes. */
  sig: Uint8Array;
}

/** Somebody who signs: a key at hand, or one that signed elsewhere. */
export interface Signer {
  key_id: string;
  sign(message: Uint8Array): Uint8Array;
}

/** Key id: the first 32 hexadecimal digits of the SHA-256 of the raw public key. */
export const KeyId = t.String({ pattern: '^[0-9a-f]{32}$' });

const EnvelopeJson = t.Object(
  {
    payload: t.String({ maxLength: ENVELOPE_MAX_BYTES }),
    payloadType: t.String({ maxLength: 200 }),
    signatures: t.Array(
      t.Object(
        { keyid: KeyId, sig: t.String({ minLength: 88, maxLength: 88 }) },
        { additionalProperties: false },
      ),
      { maxItems: SIGNATURES_MAX },
    ),
  },
  { additionalProperties: false },
);
/** The envelope as it stands in JSON, binary fields in base64 (RFC 4648 section 4). */
export type EnvelopeJson = (typeof EnvelopeJson)['static'];

/** What is signed: `DSSEv1 LENGTH TYPE LENGTH PAYLOAD`, lengths in bytes as decimal numbers. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = Buffer.from(payloadType, 'utf8');
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${type.length} `),
    type,
    Buffer.from(` ${payload.length} `),
    payload,
  ]);
}

/** The only form of an envelope in bytes: no white space, fields in this order. */
export function serialiseEnvelope(envelope: Envelope): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(envelopeToJson(envelope)));
}

export function envelopeToJson({ payload, payloadType, signatures }: Envelope): EnvelopeJson {
  return {
    payload: Buffer.from(payload).toString('base64'),
    payloadType,
    signatures: signatures.map(({ keyid, sig }) => ({ keyid, sig: Buffer.from(sig).toString('base64') })),
  };
}

/**
 * An envelope from bytes of unknown origin. Nothing in it is verified by this.
 *
 * @throws BulkheadError DSSE_TOO_LONG, DSSE_MALFORMED, and what envelopeFromJson throws
 */
export function parseEnvelope(bytes: Uint8Array, payloadType: string): Envelope {
  if (bytes.length > ENVELOPE_MAX_BYTES)
    throw new BulkheadError(
      'DSSE_TOO_LONG',
      `an envelope of ${bytes.length} bytes; at most ${ENVELOPE_MAX_BYTES}`,
    );
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw malformed('it is no JSON in UTF-8', cause);
  }
  const envelope = envelopeFromJson(json, payloadType);
  if (Buffer.compare(serialiseEnvelope(envelope), bytes) !== 0)
    throw malformed('it is not written in its one form: no white space, no field twice, in order');
  return envelope;
}

/**
 * @param json what JSON.parse returned
 * @param payloadType the only one that is taken
 * @throws BulkheadError DSSE_MALFORMED, DSSE_PAYLOAD_TYPE, DSSE_BASE64, DSSE_KEY_TWICE
 */
export function envelopeFromJson(json: unknown, payloadType: string): Envelope {
  if (!Value.Check(EnvelopeJson, json)) {
    const first = Value.Errors(EnvelopeJson, json).First();
    throw malformed(`${first?.path || '/'}: ${first?.message ?? 'invalid'}`);
  }
  if (json.payloadType !== payloadType) {
    throw new BulkheadError(
      'DSSE_PAYLOAD_TYPE',
      `the envelope carries '${printable(json.payloadType)}', expected '${payloadType}'`,
    );
  }
  const ids = new Set(json.signatures.map(({ keyid }) => keyid));
  if (ids.size !== json.signatures.length)
    throw new BulkheadError('DSSE_KEY_TWICE', 'the envelope carries two signatures of one key');
  return {
    payloadType,
    payload: decodeBase64(json.payload, 'payload'),
    signatures: json.signatures.map(({ keyid, sig }) => ({ keyid, sig: decodeBase64(sig, 'signature') })),
  };
}

/**
 * The envelope with a signature of this signer: added, or in place of an older one of the same key.
 *
 * @throws BulkheadError DSSE_FULL when SIGNATURES_MAX others have signed
 */
export function signEnvelope(envelope: Envelope, signer: Signer): Envelope {
  const sig = signer.sign(preAuthEncoding(envelope.payloadType, envelope.payload));
  const others = envelope.signatures.filter(({ keyid }) => keyid !== signer.key_id);
  if (others.length >= SIGNATURES_MAX)
    throw new BulkheadError(
      'DSSE_FULL',
      `the envelope carries ${others.length} signatures; more are not taken`,
    );
  return { ...envelope, signatures: [...others, { keyid: signer.key_id, sig }] };
}

/**
 * Which of these keys signed. Signatures of other keys say nothing and are passed over, so that a release may carry those of an
 * old and a new key; a wrong one of a key that is known is refused, whatever else is there.
 *
 * @param keys key id to raw public key
 * @returns ids of the keys that signed; possibly none
 * @throws BulkheadError DSSE_UNSIGNED, DSSE_SIGNATURE_WRONG
 */
export function verifyEnvelope(envelope: Envelope, keys: ReadonlyMap<string, Uint8Array>): string[] {
  if (envelope.signatures.length === 0)
    throw new BulkheadError('DSSE_UNSIGNED', 'the envelope carries no signature', {
      hint: 'sign it: bulkhead bundle sign --help',
    });
  const message = preAuthEncoding(envelope.payloadType, envelope.payload);
  return envelope.signatures.flatMap(({ keyid, sig }) => {
    const key = keys.get(keyid);
    if (!key) return [];
    if (verifyEd25519(key, message, sig)) return [keyid];
    throw new BulkheadError(
      'DSSE_SIGNATURE_WRONG',
      `the signature of key ${keyid} does not belong to this content`,
      {
        hint: 'the file was changed or damaged after it was signed; fetch it again from where it was published',
      },
    );
  });
}

/** Only what an encoder would have written: padding there, unused bits zero, nothing between. */
function decodeBase64(text: string, what: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text)
    throw new BulkheadError('DSSE_BASE64', `the ${what} of the envelope is not base64 in its one form`);
  return Uint8Array.from(bytes);
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 80);
}

function malformed(why: string, cause?: unknown): BulkheadError {
  return new BulkheadError(
    'DSSE_MALFORMED',
    `this is no envelope: ${why}`,
    cause === undefined ? {} : { cause },
  );
}
