import { createHmac, timingSafeEqual } from 'node:crypto';
import { generateSealingKey, open, type SealingKey, seal } from '../../base/signing/hpke.ts';
import { SESSION_PROFILE } from '../http-signature/profile.ts';
import type { RequestSigner } from '../http-signature/sign.ts';
import type { SessionKeyGrant } from '../messages/answers.ts';
import { sessionKeyName } from './name.ts';

/**
 * A secret of a device and its coordinator that signs heartbeats for a while, because checking an Ed25519 signature costs a coordinator
 * more than everything else about a heartbeat. The device asks for one in a heartbeat that its own key has signed, and names a public key
 * that it has made for this one answer; the answer is sealed for it. Whoever reads along, a proxy that ends TLS included, learns nothing,
 * and who changes something on the way gets a device that signs with its own key.
 */
const SESSION_KEY_BYTES = 32;

/** What a device keeps, in memory alone. */
export interface SessionKey {
  /** See sessionKeyName. */
  name: string;
  /** Seconds since 1970, by the clock of the coordinator. */
  expires_s: number;
  secret: Uint8Array;
}

/** A question that waits for its answer. */
export interface SessionKeyWish {
  /** For `session_key_for` of a heartbeat: base64 of 32 bytes. */
  public_key: string;
  /** The key in the answer; undefined when the answer is none to this question. @param key_id of the device */
  take(grant: SessionKeyGrant, key_id: string): SessionKey | undefined;
}

/** Asks for a session key. One question, one answer: the private key is forgotten with the wish. */
export function wishForSessionKey(key: SealingKey = generateSealingKey()): SessionKeyWish {
  return {
    public_key: toBase64(key.public_key),
    take({ expires_s, encapsulated_key, sealed }: SessionKeyGrant, key_id) {
      const message = {
        encapsulated_key: Uint8Array.from(Buffer.from(encapsulated_key, 'base64')),
        sealed: Uint8Array.from(Buffer.from(sealed, 'base64')),
      };
      const name = sessionKeyName(key_id, expires_s);
      const secret = open(key, purposeOf(name), message);
      return secret?.length === SESSION_KEY_BYTES ? { name, expires_s, secret } : undefined;
    },
  };
}

/**
 * The coordinator's answer.
 *
 * @param wish base64 of the public key in the question
 * @param sender handed in by tests alone
 * @returns undefined when nothing can be sealed for that key
 */
export function grantSessionKey(
  wish: string,
  { name, expires_s, secret }: SessionKey,
  sender?: SealingKey,
): SessionKeyGrant | undefined {
  try {
    const public_key = Uint8Array.from(Buffer.from(wish, 'base64'));
    const made = seal(public_key, purposeOf(name), secret, sender ? { sender } : {});
    return {
      expires_s,
      encapsulated_key: toBase64(made.encapsulated_key),
      sealed: toBase64(made.sealed),
    };
  } catch {
    // A key of small order: nothing is sent, and the device goes on with its own.
    return undefined;
  }
}

/** Signs requests with a session key: hand it to signRequest. */
export function sessionSigner({ name, secret }: SessionKey): RequestSigner {
  return {
    ...{ key_id: name, profile: SESSION_PROFILE },
    sign: (message) => macOf(secret, message),
  };
}

/** Whether a session key has signed exactly this, RFC 9421 section 3.3.3. In the same time whatever is wrong. */
export function checkSessionSignature(
  secret: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const mac = macOf(secret, message);
  return signature.length === mac.length && timingSafeEqual(mac, signature);
}

function macOf(secret: Uint8Array, message: Uint8Array): Uint8Array {
  return createHmac('sha256', secret).update(message).digest();
}

function purposeOf(name: string): Uint8Array {
  return new TextEncoder().encode(`bulkhead-session-key 1 ${name}`);
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
