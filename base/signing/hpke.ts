import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';

/**
 * Hybrid Public Key Encryption (RFC 9180): base mode, one message per key, with the suite of its appendix A.1,
 * DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM. For a secret that one side has to send to a key of the other.
 */
const X25519_KEY_BYTES = 32;
/** Of AES-128-GCM: what a sealed message is longer. */
export const SEAL_BYTES = 16;
const KEY_BYTES = 16;
const NONCE_BYTES = 12;

/** Identifiers of RFC 9180 section 7: KEM 0x0020, KDF 0x0001, AEAD 0x0001. */
const KEM_SUITE = Buffer.from('KEM\x00\x20', 'latin1');
const SUITE = Buffer.from('HPKE\x00\x20\x00\x01\x00\x01', 'latin1');
const VERSION = Buffer.from('HPKE-v1');
const EMPTY = new Uint8Array();

/** DER in front of the 32 bytes of a key (RFC 8410): SubjectPublicKeyInfo and PKCS#8. */
const SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** A key that messages can be sealed for. */
export interface SealingKey {
  /** 32 raw bytes. */
  public_key: Uint8Array;
  private_key: KeyObject;
}

export interface SealedMessage {
  /** 32 bytes: the sender's part of the key agreement, `enc` in the RFC. */
  encapsulated_key: Uint8Array;
  /** The message and SEAL_BYTES. */
  sealed: Uint8Array;
}

export function generateSealingKey(): SealingKey {
  return sealingKeyOf(generateKeyPairSync('x25519').privateKey);
}

/** @param bytes 32 raw bytes, as RFC 7748 has them */
export function sealingKeyFrom(bytes: Uint8Array): SealingKey {
  const key = Buffer.concat([PKCS8_PREFIX, bytes]);
  return sealingKeyOf(createPrivateKey({ key, format: 'der', type: 'pkcs8' }));
}

/**
 * Seals a message so that only the holder of the private key can read it.
 *
 * @param public_key 32 bytes of the receiver
 * @param info what the message is for; whoever opens it has to say the same
 * @param sender used once and forgotten; handed in by tests alone
 * @throws Error when the public key is one of small order: everybody would know the secret (RFC 7748 section 6.1)
 */
export function seal(
  public_key: Uint8Array,
  info: Uint8Array,
  message: Uint8Array,
  {
    additional = EMPTY,
    sender = generateSealingKey(),
  }: { additional?: Uint8Array; sender?: SealingKey } = {},
): SealedMessage {
  const encapsulated_key = sender.public_key;
  const dh = agree(sender.private_key, public_key);
  const { key, nonce } = schedule(dh, Buffer.concat([encapsulated_key, public_key]), info);
  const cipher = createCipheriv('aes-128-gcm', key, nonce).setAAD(additional);
  const sealed = Buffer.concat([cipher.update(message), cipher.final(), cipher.getAuthTag()]);
  return { encapsulated_key, sealed: Uint8Array.from(sealed) };
}

/** @returns undefined when it was sealed for another key, for something else, or changed on the way */
export function open(
  { public_key, private_key }: SealingKey,
  info: Uint8Array,
  { encapsulated_key, sealed }: SealedMessage,
  additional: Uint8Array = EMPTY,
): Uint8Array | undefined {
  if (encapsulated_key.length !== X25519_KEY_BYTES || sealed.length < SEAL_BYTES) return undefined;
  try {
    const dh = agree(private_key, encapsulated_key);
    const { key, nonce } = schedule(dh, Buffer.concat([encapsulated_key, public_key]), info);
    const end = sealed.length - SEAL_BYTES;
    const decipher = createDecipheriv('aes-128-gcm', key, nonce)
      .setAAD(additional)
      .setAuthTag(sealed.subarray(end));
    return Uint8Array.from(Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()]));
  } catch {
    // A tag that does not fit and a key of small order are thrown; neither says more than "no".
    return undefined;
  }
}

function sealingKeyOf(private_key: KeyObject): SealingKey {
  const der = createPublicKey(private_key).export({ type: 'spki', format: 'der' });
  return { private_key, public_key: Uint8Array.from(der.subarray(-X25519_KEY_BYTES)) };
}

function agree(privateKey: KeyObject, public_key: Uint8Array): Uint8Array {
  const key = Buffer.concat([SPKI_PREFIX, public_key]);
  const shared = diffieHellman({
    privateKey,
    publicKey: createPublicKey({ key, format: 'der', type: 'spki' }),
  });
  if (shared.every((byte) => byte === 0)) throw new Error('the public key is of small order');
  return shared;
}

/** RFC 9180 sections 4.1 and 5.1, without a pre-shared key. */
function schedule(dh: Uint8Array, kem_context: Uint8Array, info: Uint8Array) {
  const agreed = extract(KEM_SUITE, EMPTY, 'eae_prk', dh);
  const shared = expand(KEM_SUITE, agreed, 'shared_secret', kem_context, 32);
  const context = Buffer.concat([
    Uint8Array.of(0),
    extract(SUITE, EMPTY, 'psk_id_hash', EMPTY),
    extract(SUITE, EMPTY, 'info_hash', info),
  ]);
  const secret = extract(SUITE, shared, 'secret', EMPTY);
  return {
    key: expand(SUITE, secret, 'key', context, KEY_BYTES),
    nonce: expand(SUITE, secret, 'base_nonce', context, NONCE_BYTES),
  };
}

/** LabeledExtract, RFC 9180 section 4. */
function extract(suite: Uint8Array, salt: Uint8Array, label: string, input: Uint8Array): Uint8Array {
  return hmac(salt, VERSION, suite, Buffer.from(label), input);
}

/** LabeledExpand for what one round of HKDF-Expand gives. @param length at most 32 bytes */
function expand(
  suite: Uint8Array,
  secret: Uint8Array,
  label: string,
  info: Uint8Array,
  length: number,
): Uint8Array {
  const round = Uint8Array.of(1);
  const head = Uint8Array.of(0, length);
  return hmac(secret, head, VERSION, suite, Buffer.from(label), info, round).subarray(0, length);
}

function hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const made = createHmac('sha256', key);
  for (const part of parts) made.update(part);
  return made.digest();
}
