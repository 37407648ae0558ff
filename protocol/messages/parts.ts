import { Type as t } from '@sinclair/typebox';
import { FACT_TEXT_MAX } from '../limits.ts';

/** What several messages are made of. */

export const Sha256 = t.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256, 64 hexadecimal digits' });

/** Device id of a key: SHA-256 of the raw public key. */
export const DeviceKeyId = t.String({
  pattern: '^[0-9a-f]{64}$',
  description: 'SHA-256 of the raw public key',
});

export const PublicKey = t.String({
  pattern: '^[A-Za-z0-9+/]{43}=$',
  description: 'raw Ed25519 public key, 32 bytes in base64',
});

export const SealingPublicKey = t.String({
  pattern: '^[A-Za-z0-9+/]{43}=$',
  description: 'raw X25519 public key, 32 bytes in base64',
});

/** A text as a machine gives it: bounded, one line. */
export const FactText = t.String({ maxLength: FACT_TEXT_MAX, pattern: '^[^\\x00-\\x1f\\x7f]*$' });

export const Version = t.String({ maxLength: 64, pattern: '^[0-9A-Za-z][0-9A-Za-z.+-]*$' });

export const TimeMs = t.Integer({
  minimum: 0,
  maximum: 8_640_000_000_000_000,
  description: 'milliseconds since 1970, UTC',
});

export const Mac = t.String({ pattern: '^[0-9a-f]{2}(:[0-9a-f]{2}){5}$' });

/** Host name or IP address of another machine on the appliance's network. */
export const HostName = t.String({ maxLength: 253, pattern: '^[A-Za-z0-9]([A-Za-z0-9.:_-]*[A-Za-z0-9])?$' });
