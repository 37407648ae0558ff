import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

/**
 * Ed25519 as RFC 8032 section 5.1.7 has it, without the freedom that libraries take: one signature has one form, and a key
 * under which everything verifies is none. node:crypto does the arithmetic; what it lets pass is refused here before.
 */
export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** The field, RFC 8032 section 5.1. */
const P = 2n ** 255n - 19n;
/** Order of the base point, RFC 8032 section 5.1. */
const L = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n;
/** The curve: -x² + y² = 1 + d x² y², d = -121665/121666 mod p (RFC 8032 section 5.1). */
const D = 0x52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3n;

/** The y of the eight points whose order divides 8; each x comes with both signs. A test computes them. */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  P - 1n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
]);

/** DER of a SubjectPublicKeyInfo in front of the 32 bytes of the key (RFC 8410 section 4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** A key that signatures are checked with. @param public_key 32 bytes as RFC 8032 encodes a point */
export function publicKeyObject(public_key: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, public_key]), format: 'der', type: 'spki' });
}

/** DER of a PKCS#8 key in front of its seed (RFC 8410 section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The private key of a seed. @param seed 32 bytes, `k` of RFC 8032 section 5.1.5 */
export function privateKeyFrom(seed: Uint8Array): KeyObject {
  const key = Buffer.concat([PKCS8_PREFIX, seed]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

/** Whether these are 32 bytes that encode a point of the curve in the one right way, and not one of small order. */
export function isPublicKey(bytes: Uint8Array): boolean {
  return isStrictPoint(bytes) && isOnCurve(yOf(bytes));
}

/** Whether this is the signature of one key over exactly this message. */
export type CheckSignature = (message: Uint8Array, signature: Uint8Array) => boolean;

/**
 * What verifyEd25519 does, for many signatures of one key: the key is looked at and imported once.
 *
 * @returns undefined when the bytes are no key to trust
 */
export function signatureCheck(public_key: Uint8Array): CheckSignature | undefined {
  if (!isStrictPoint(public_key)) return undefined;
  const key = publicKeyObject(public_key);
  return (message, signature) => {
    if (signature.length !== SIGNATURE_BYTES) return false;
    const r = signature.subarray(0, PUBLIC_KEY_BYTES);
    if (!isStrictPoint(r) || numberOf(signature.subarray(PUBLIC_KEY_BYTES)) >= L) return false;
    return verify(null, message, key, signature);
  };
}

/**
 * True only for the signature of this key over exactly this message. Refused besides what does not verify: S that is
 * not below L, a key or R in another than its shortest encoding or of small order, other lengths.
 */
export function verifyEd25519(public_key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return signatureCheck(public_key)?.(message, signature) ?? false;
}

/** The signature, 64 bytes; the same for the same key and message. @param key a private Ed25519 key */
export function signEd25519(key: KeyObject, message: Uint8Array): Uint8Array {
  return Uint8Array.from(sign(null, message, key));
}

/** x = 0 with a sign would be a second encoding too, but has y = ±1, which is of small order. */
function isStrictPoint(encoded: Uint8Array): boolean {
  if (encoded.length !== PUBLIC_KEY_BYTES) return false;
  const y = yOf(encoded);
  return y < P && !SMALL_ORDER_Y.has(y);
}

/** Whether x² = (y² - 1) / (d y² + 1) has a solution: Euler's criterion, with the quotient's class told by the product. */
function isOnCurve(y: bigint): boolean {
  const square = (y * y) % P;
  return power((square - 1n) * (D * square + 1n), (P - 1n) / 2n) === 1n;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let factor = base % P;
  for (let bits = exponent; bits > 0n; bits >>= 1n) {
    if (bits & 1n) result = (result * factor) % P;
    factor = (factor * factor) % P;
  }
  return result;
}

function yOf(encoded: Uint8Array): bigint {
  return numberOf(encoded) & (2n ** 255n - 1n);
}

/** Little-endian. */
function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
}
