import { createHmac } from 'node:crypto';
import { BulkheadError } from '../../base/errors.ts';
import type { SessionKeyGrant } from '../../protocol/messages/answers.ts';
import { type SessionKeyName, sessionKeyName } from '../../protocol/session-key/name.ts';
import { checkSessionSignature, grantSessionKey } from '../../protocol/session-key/session-key.ts';
import { SESSION_KEY_LIFE_S } from '../limits.ts';

export interface SessionKeys {
  /**
   * A key for a device, sealed.
   *
   * @param key_id of the device's own key, which has signed the question
   * @param wish as in the heartbeat
   * @returns undefined when nothing can be sealed for that wish
   */
  grant(key_id: string, wish: string): SessionKeyGrant | undefined;
  /**
   * Whether the session key of that name has signed this.
   *
   * @throws BulkheadError SESSION_KEY_EXPIRED
   */
  check(name: SessionKeyName, message: Uint8Array, signature: Uint8Array): boolean;
}

/**
 * Session keys of devices. None is kept: each follows from its name and one secret of the database, so every coordinator on it knows all
 * of them, and a name that was made up has a key that nobody was given.
 *
 * @param secret of the coordinator, 32 bytes
 */
export function createSessionKeys(secret: Uint8Array, now_ms: () => number): SessionKeys {
  const keyOf = (name: string): Uint8Array =>
    createHmac('sha256', secret).update(`bulkhead-session-key 1 ${name}`).digest();
  return {
    grant(key_id, wish) {
      const expires_s = Math.floor(now_ms() / 1000) + SESSION_KEY_LIFE_S;
      const name = sessionKeyName(key_id, expires_s);
      return grantSessionKey(wish, { name, expires_s, secret: keyOf(name) });
    },
    check({ text, expires_s }, message, signature) {
      if (expires_s * 1000 <= now_ms())
        throw new BulkheadError('SESSION_KEY_EXPIRED', 'this session key has ended', {
          hint: 'sign with the key of the device, and ask for another one',
        });
      return checkSessionSignature(keyOf(text), message, signature);
    },
  };
}
