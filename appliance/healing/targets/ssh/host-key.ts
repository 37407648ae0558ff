import { createHash, timingSafeEqual } from 'node:crypto';

/** The one host key that is believed. */
export interface HostKeyPin {
  /** What the server is asked for, so that it does not show another of its keys; null where only a fingerprint is known. */
  algorithms: readonly string[] | null;
  /** @param blob public key in the form of RFC 4253, 6.6 */
  matches(blob: Uint8Array): boolean;
}

/** From the line of a .pub file, or from a fingerprint as ssh-keygen -l prints it. */
export function hostKeyPin(text: string): HostKeyPin {
  const fingerprint = /^SHA256:([A-Za-z0-9+/]{43})=?$/.exec(text)?.[1];
  if (fingerprint !== undefined) {
    const pinned = Buffer.from(fingerprint, 'base64');
    return {
      algorithms: null,
      matches: (blob) => same(pinned, createHash('sha256').update(blob).digest()),
    };
  }
  const [type = '', base64 = ''] = text.trim().split(/ +/);
  const pinned = Buffer.from(base64, 'base64');
  // RFC 8332: one RSA key signs by several algorithms, of which SHA-1 is not asked for.
  const algorithms = type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type];
  return { algorithms, matches: (blob) => same(pinned, blob) };
}

/** `SHA256:…` as ssh-keygen -l prints it. */
export function fingerprintOf(blob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
