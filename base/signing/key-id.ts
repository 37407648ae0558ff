import { createHash } from 'node:crypto';

/** How a key of a key set is named: the first 32 hexadecimal digits of its SHA-256. @param public_key 32 raw bytes */
export function keyId(public_key: Uint8Array): string {
  return deviceIdOf(public_key).slice(0, 32);
}

/** How a device key is named, and with it the device: its SHA-256, 64 hexadecimal digits. @param public_key 32 raw bytes */
export function deviceIdOf(public_key: Uint8Array): string {
  return createHash('sha256').update(public_key).digest('hex');
}
