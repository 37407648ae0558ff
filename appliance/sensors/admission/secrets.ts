import { createHash, randomBytes } from 'node:crypto';
import { CODE_BYTES, SHOWN_DIGITS } from './limits.ts';

/** RFC 4648, section 6: no letter that looks like a digit of it. */
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** A one-time code as it is shown: four groups of four. */
export function makeCode(): string {
  const letters = [...bitsOf(randomBytes(CODE_BYTES))].map((value) => BASE32[value] ?? '').join('');
  return letters.match(/.{4}/g)?.join('-') ?? letters;
}

function* bitsOf(bytes: Uint8Array): Generator<number> {
  let value = 0;
  let bits = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      yield (value >> bits) & 31;
    }
    value &= (1 << bits) - 1;
  }
}

/** What is kept of a code. However it was typed: in small letters, without dashes, with spaces. */
export function codeHash(typed: string): string {
  return sha256(typed.toUpperCase().replace(/[\s-]/g, ''));
}

/** What is kept of a claim; people see the first digits. */
export function claimHash(claim: Uint8Array): string {
  return sha256(claim);
}

export function shownFingerprint(hash: string): string {
  return hash.slice(0, SHOWN_DIGITS);
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
