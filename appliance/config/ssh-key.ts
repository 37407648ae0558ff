import { SSH_KEY_MAX_CHARS, SSH_RSA_MIN_BITS } from './limits.ts';

const ECDSA_CURVES = ['nistp256', 'nistp384', 'nistp521'];
const KEY_TYPES = ['ssh-ed25519', 'ssh-rsa', ...ECDSA_CURVES.map((curve) => `ecdsa-sha2-${curve}`)];

/**
 * What is wrong with a line of an OpenSSH authorized_keys file (sshd(8), AUTHORIZED_KEYS FILE FORMAT), or null.
 * Accepted: `type base64 [comment]` with Ed25519, ECDSA, or RSA of at least SSH_RSA_MIN_BITS. Options in front
 * (`command=`, `from=`) are refused: they change what a key may do, and nobody would see it on the status page.
 */
export function sshKeyFault(line: string): string | null {
  if (line.length > SSH_KEY_MAX_CHARS) return `is longer than ${SSH_KEY_MAX_CHARS} characters`;
  if (/[^\x20-\x7e\u00a0-\uffff]/.test(line))
    return 'holds a line break or control character: one key per entry';
  if (/PRIVATE KEY/.test(line)) return 'is a private key; give the public one (the .pub file)';
  const [type = '', base64 = ''] = line.trim().split(/ +/);
  if (!KEY_TYPES.includes(type)) {
    if (KEY_TYPES.some((known) => line.includes(`${known} `))) {
      return 'has options in front of the key, which are not allowed here';
    }
    // What stands there is not repeated: it may be anything, the private key or a password among it.
    return `does not begin with a type of key; accepted are ${KEY_TYPES.join(', ')}`;
  }
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return 'has no valid base64 after the type';
  const fields = readFields(Buffer.from(base64, 'base64'));
  if (!fields) return 'is cut off or damaged';
  return fieldsFault(type, fields);
}

/** RFC 4253 section 6.6 (RSA), RFC 5656 section 3.1 (ECDSA), RFC 8709 section 4 (Ed25519). */
function fieldsFault(type: string, fields: readonly Buffer[]): string | null {
  const damaged = 'is cut off or damaged';
  if (fields[0]?.toString('latin1') !== type) return 'names one type and holds another';
  if (type === 'ssh-ed25519') return fields.length === 2 && fields[1]?.length === 32 ? null : damaged;
  if (type === 'ssh-rsa') {
    const modulus = fields[2];
    if (fields.length !== 3 || !modulus) return damaged;
    const bits = bitLength(modulus);
    return bits >= SSH_RSA_MIN_BITS
      ? null
      : `is an RSA key of ${bits} bits; at least ${SSH_RSA_MIN_BITS} are needed`;
  }
  const curve = fields[1]?.toString('latin1') ?? '';
  return fields.length === 3 && type === `ecdsa-sha2-${curve}` && fields[2]?.[0] === 4 ? null : damaged;
}

/** The length-prefixed fields of a key blob (RFC 4251 section 5, `string`), or undefined when they do not add up. */
function readFields(blob: Buffer): Buffer[] | undefined {
  const fields: Buffer[] = [];
  let at = 0;
  while (at < blob.length) {
    if (at + 4 > blob.length) return undefined;
    const size_bytes = blob.readUInt32BE(at);
    at += 4;
    if (at + size_bytes > blob.length) return undefined;
    fields.push(blob.subarray(at, at + size_bytes));
    at += size_bytes;
  }
  return fields.length > 0 ? fields : undefined;
}

function bitLength(integer: Buffer): number {
  const first = integer.findIndex((byte) => byte !== 0);
  if (first < 0) return 0;
  return (integer.length - first) * 8 - Math.clz32(integer[first] ?? 0) + 24;
}
