import { BulkheadError } from '../../base/errors.ts';
import {
  type ClaimedRequest,
  type ReceivedRequest,
  readSignedRequest,
} from '../../protocol/http-signature/read.ts';
import type { Coordinator } from '../context.ts';
import { checkOf, type KeyRing } from '../devices/keys.ts';
import { FAILURE_BURST, FAILURE_REFILL_PER_S, KEY_BURST, KEY_REFILL_PER_S } from '../limits.ts';
import { addressSubject } from '../people/lockout.ts';
import type { Claim } from './claim.ts';
import { createRateLimit, TooMany } from './rate-limit.ts';
import type { SessionKeys } from './session-keys.ts';

export interface Receiver {
  /**
   * A request of a device whose key is known, with the right signature.
   *
   * @param sessions whether a session key will do
   * @throws BulkheadError SIGNATURE_*, SESSION_KEY_REFUSED, SESSION_KEY_EXPIRED, AGENT_KEY_UNKNOWN, TOO_MANY_REQUESTS
   */
  receive(request: Request, body: Uint8Array, address: string, sessions: boolean): Promise<Claim>;
  /** It turned out to be a repetition: that counts against whoever sent it, not against the key, which he may not have. */
  replayed(claim: Claim, address: string): void;
  /**
   * A request that is signed with the key it brings.
   *
   * @param public_key base64 of 32 bytes
   * @throws BulkheadError SIGNATURE_*, SESSION_KEY_REFUSED, AGENT_KEY_INVALID, TOO_MANY_REQUESTS
   */
  receiveNew(
    request: Request,
    body: Uint8Array,
    address: string,
    key: { key_id: string; public_key: string },
  ): void;
}

/** The door for everything that devices send. Whoever knocks wrongly too often has to wait, before anything is computed for him. */
export function createReceiver(
  coordinator: Coordinator,
  keys: KeyRing,
  sessionKeys: Pick<SessionKeys, 'check'>,
): Receiver {
  const { now_ms, settings } = coordinator;
  const failures = createRateLimit({ burst: FAILURE_BURST, refill_per_s: FAILURE_REFILL_PER_S }, now_ms);
  const rates = createRateLimit({ burst: KEY_BURST, refill_per_s: KEY_REFILL_PER_S }, now_ms);
  const reader = () => ({
    isOwnAuthority: (authority: string) => settings.authorities.has(authority),
    now_s: Math.floor(now_ms() / 1000),
  });
  const requireRoom = (subject: string) => {
    const wait_s = failures.wait(subject);
    if (wait_s > 0) throw new TooMany('too many requests of this address were refused', wait_s);
  };
  /** Only a right signature counts against the key: anybody can claim one. */
  const pass = (claimed: ClaimedRequest) => {
    const wait_s = rates.take(claimed.key_id);
    if (wait_s > 0) throw new TooMany('this key sends more than it may', wait_s);
  };
  const counted = <T>(subject: string, act: () => T): T => {
    try {
      return act();
    } catch (error) {
      failures.take(subject);
      throw error;
    }
  };
  return {
    async receive(request, body, address, sessions) {
      const subject = addressSubject(address);
      requireRoom(subject);
      const claimed = counted(subject, () => {
        const read = readSignedRequest(receivedOf(request, body), reader());
        if (read.session && !sessions) throw sessionRefused();
        return read;
      });
      const { key_id, session, sequence, base, signature } = claimed;
      const key = await keys.find(key_id);
      const { device_id } = counted(subject, () => {
        if (!key) throw keyUnknown();
        const right = session ? sessionKeys.check(session, base, signature) : key.check(base, signature);
        if (!right) throw signatureWrong();
        return key;
      });
      pass(claimed);
      return { key_id, inSession: session !== null, device_id, sequence };
    },
    replayed({ key_id }, address) {
      failures.take(addressSubject(address));
      rates.giveBack(key_id);
    },
    receiveNew(request, body, address, { key_id, public_key }) {
      const subject = addressSubject(address);
      requireRoom(subject);
      const claimed = counted(subject, () => {
        const read = readSignedRequest(receivedOf(request, body), reader());
        if (read.session) throw sessionRefused();
        if (read.key_id !== key_id || !checkOf(public_key)(read.base, read.signature)) throw signatureWrong();
        return read;
      });
      pass(claimed);
    },
  };
}

function receivedOf(request: Request, body: Uint8Array): ReceivedRequest {
  const { host, pathname, search } = new URL(request.url);
  const authority = request.headers.get('host') ?? host;
  const field = (name: string) => request.headers.get(name);
  return { method: request.method, authority, path: pathname, query: search, field, body };
}

const keyUnknown = () =>
  new BulkheadError('AGENT_KEY_UNKNOWN', 'nobody with this key has enrolled here', {
    hint: 'POST /agent/enrol',
  });

const sessionRefused = () =>
  new BulkheadError('SESSION_KEY_REFUSED', 'a session key signs heartbeats and nothing else', {
    hint: 'sign with the key of the device',
  });

const signatureWrong = () =>
  new BulkheadError('SIGNATURE_WRONG', 'the signature is not that of this key over this request');
