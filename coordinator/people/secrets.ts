import { createHash } from 'node:crypto';

/** What the database keeps of a secret that has enough random bits of its own: whoever reads it there cannot use it. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Told apart at a glance, and found by scanners for lost secrets. */
export const SESSION_PREFIX = 'bhs_';
export const TOKEN_PREFIX = 'bht_';

/** @param random 32 bytes */
export function formatSecret(prefix: string, random: Uint8Array): string {
  return prefix + Buffer.from(random).toString('base64url');
}
