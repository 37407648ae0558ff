import { type Static, Type as t } from '@sinclair/typebox';
import { Unknowable } from '../../base/schema.ts';
import { FactText, Mac, PublicKey, Version } from './parts.ts';

/**
 * A code of 16 characters in groups of four, without letters that look alike (Crockford's base 32): 80 bits. Codes that an
 * appliance shows and codes that are prepared for it have the same form.
 */
const CODE_ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
export const EnrolmentCode = t.String({
  pattern: `^[${CODE_ALPHABET}]{4}(-[${CODE_ALPHABET}]{4}){3}$`,
  description: 'XXXX-XXXX-XXXX-XXXX',
});

/**
 * What a person typed, as the code it means: case, blanks and dashes do not matter, O is 0, I and L are 1.
 *
 * @returns undefined when it is no code
 */
export function readCode(typed: string): string | undefined {
  const bare = typed.toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1');
  if (bare.length !== 16 || [...bare].some((letter) => !CODE_ALPHABET.includes(letter))) return undefined;
  return bare.replace(/(.{4})(?=.)/g, '$1-');
}

/** @param random 10 bytes */
export function formatCode(random: Uint8Array): string {
  let bits = 0n;
  for (const byte of random.subarray(0, 10)) bits = (bits << 8n) | BigInt(byte);
  let code = '';
  for (let group = 15n; group >= 0n; group -= 1n) code += CODE_ALPHABET[Number((bits >> (group * 5n)) & 31n)];
  return code.replace(/(.{4})(?=.)/g, '$1-');
}

/** What a box says it is. None of it proves anything; the key does. */
const EnrolmentFacts = t.Object({
  hostname: FactText,
  serial: Unknowable(FactText),
  product_uuid: Unknowable(FactText),
  mac: Unknowable(Mac),
  hardware: Unknowable(FactText),
  agent_version: Version,
  image_version: Unknowable(Version),
});
export type EnrolmentFacts = Static<typeof EnrolmentFacts>;

/** POST /agent/enrol, signed with the key it brings. */
export const EnrolmentRequest = t.Object({
  public_key: PublicKey,
  facts: EnrolmentFacts,
  /** From the configuration on the stick. */
  provision_code: t.Optional(t.String({ maxLength: 40 })),
});
export type EnrolmentRequest = Static<typeof EnrolmentRequest>;

/** POST /agent/rotate-key, signed with the old key; `proof` is the new key's signature over rotationStatement. */
export const KeyRotation = t.Object({
  public_key: PublicKey,
  proof: t.String({ pattern: '^[A-Za-z0-9+/]{86}==$', description: 'Ed25519 signature, 64 bytes in base64' }),
});
export type KeyRotation = Static<typeof KeyRotation>;

/** What the new key signs: bound to the old one, so that nobody can pass off another's key as his next. */
export function rotationStatement(old_key_id: string, new_key_id: string): Uint8Array {
  return new TextEncoder().encode(`bulkhead-key-rotation 1 ${old_key_id} ${new_key_id}`);
}
