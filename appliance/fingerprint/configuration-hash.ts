import { createHash, createHmac } from 'node:crypto';
import type { MergedConfig } from '../config/layers.ts';
import { shownKeys } from '../config/present.ts';

/**
 * SHA-256 over the values in force, hexadecimal: the same on two appliances that are configured the same. A secret in them
 * counts by an HMAC that only this appliance can make, so that nobody who has the hash can try passphrases.
 *
 * @param own something that does not leave the appliance: its machine id (machine-id(5))
 */
export function configurationHash(loaded: MergedConfig, own: string): string {
  const hidden = (secret: unknown) => createHmac('sha256', own).update(JSON.stringify(secret)).digest('hex');
  const values = shownKeys(loaded, hidden).map(({ key, value }) => [key, value]);
  return createHash('sha256').update(JSON.stringify(values)).digest('hex');
}
