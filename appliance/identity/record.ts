import { type Static, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { deviceIdOf } from '../../base/signing/key-id.ts';

/**
 * The identity record, beside the key: the public half, written only after the key is durable. It is the proof that a key
 * has been in use, see decide.ts.
 */
export const IdentityRecord = t.Object(
  {
    format: t.Literal(1),
    device_id: t.String({ pattern: '^[0-9a-f]{64}$' }),
    public_key: t.String({ pattern: '^[A-Za-z0-9+/]{43}=$', description: 'raw Ed25519 public key, base64' }),
  },
  { additionalProperties: false },
);
export type IdentityRecord = Static<typeof IdentityRecord>;

export function recordOf(publicKey: Uint8Array): IdentityRecord {
  return {
    format: 1,
    device_id: deviceIdOf(publicKey),
    public_key: Buffer.from(publicKey).toString('base64'),
  };
}

/** The record in a text, or undefined when it is none or contradicts itself. */
export function parseRecord(text: string): IdentityRecord | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Value.Check(IdentityRecord, parsed)) return undefined;
  return deviceIdOf(Buffer.from(parsed.public_key, 'base64')) === parsed.device_id ? parsed : undefined;
}
