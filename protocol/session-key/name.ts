/**
 * How a session key is named in `keyid`: `KEYID.EXPIRES`, the device id of the key it stands for and the second since 1970 at which
 * it ends. The name is all that tells one from another: with another name it is another key.
 */
export interface SessionKeyName {
  /** The name as it stands in the request. */
  text: string;
  /** Of the device. */
  key_id: string;
  expires_s: number;
}

/** Ten digits: from 2001 to 2286. */
const NAME = /^([0-9a-f]{64})\.([1-9]\d{9})$/;

/** @returns undefined for anything but the one form */
export function parseSessionKeyName(text: string): SessionKeyName | undefined {
  const [, key_id, expires] = NAME.exec(text) ?? [];
  return key_id === undefined ? undefined : { text, key_id, expires_s: Number(expires) };
}

export function sessionKeyName(key_id: string, expires_s: number): string {
  return `${key_id}.${expires_s}`;
}
