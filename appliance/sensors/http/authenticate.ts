import { BulkheadError } from '../../../base/errors.ts';
import type { Sensor } from '../registry/sensor.ts';
import type { SensorKeys } from './keys.ts';
import {
  NONCE_MAX,
  NONCE_MIN,
  NONCES_PER_SENSOR_MAX,
  SIGNATURE_ORDER_S,
  SIGNATURE_SKEW_S,
} from './limits.ts';

/** A request as far as its sender vouches for it. */
export interface SignedRequest {
  method: string;
  /** With its query, as it was asked for. */
  path: string;
  authorization: string | null;
  body: string;
}

export interface AuthenticationParts {
  keys: SensorKeys;
  find(id: string): Sensor | null;
  now_ms(): number;
}

const BEARER = /^Bearer ([\w-]{16,128})$/;
const SIGNED = new RegExp(
  `^Bulkhead-HMAC-SHA256 key=(s-[0-9a-f]{16}), ?time=(\\d{1,12}), ?nonce=([0-9a-f]{${NONCE_MIN},${NONCE_MAX}}), ?` +
    'signature=([A-Za-z0-9+/]{43}=)$',
);

/** Who sent a request. */
export interface Sender {
  sensor: Sensor;
  /** Of its signature; null: it sent its key. */
  nonce: string | null;
}

/**
 * Tells which sensor sent a request: by its key, or by a signature with it, so that the key does not travel. What was signed counts
 * once: a signature that was recorded on the line cannot be sent again.
 *
 * @returns a function that throws BulkheadError SENSOR_UNAUTHENTICATED, SENSOR_KEY_UNKNOWN, SENSOR_SIGNATURE, SENSOR_CLOCK,
 *   SENSOR_REPLAYED, SENSOR_REVOKED
 */
export function createAuthentication({ keys, find, now_ms }: AuthenticationParts) {
  const nonces = new NonceMemory();
  let started_s = Math.floor(now_ms() / 1000);

  const signedBy = (request: SignedRequest, match: RegExpExecArray): Named => {
    const [, id = '', time = '', nonce = '', signature = ''] = match;
    const { method, path, body } = request;
    const hash = new Bun.CryptoHasher('sha256').update(body).digest('hex');
    const text = `${method}\n${path}\n${time}\n${nonce}\n${hash}`;
    if (!keys.isSignedBy(id, text, Buffer.from(signature, 'base64')))
      throw new BulkheadError('SENSOR_SIGNATURE', `the request is not signed by the key of ${id}`, {
        hint: 'what is signed: method, path, time, nonce and SHA-256 of the body, one a line; register again if the key is lost',
      });
    const now_s = Math.floor(now_ms() / 1000);
    // A clock that was set back must not shut everybody out until it is as late again.
    started_s = Math.min(started_s, now_s);
    // What was signed before this process began may have been taken by the one before, which alone knew its nonces.
    const earliest_s = Math.max(now_s - SIGNATURE_SKEW_S, started_s - 1);
    if (Number(time) < earliest_s || Number(time) > now_s + SIGNATURE_SKEW_S)
      throw new BulkheadError('SENSOR_CLOCK', `the request was signed for ${time}, and it is ${now_s} here`, {
        hint: 'sign it by server_time',
      });
    if (!nonces.take(id, nonce, { time_s: Number(time), now_s }))
      throw new BulkheadError(
        'SENSOR_REPLAYED',
        'this request has been taken already, or comes behind many newer ones',
        {
          hint: 'each request has a nonce of its own, and the times of requests rise',
        },
      );
    return { id, nonce };
  };

  const ownerOf = (request: SignedRequest): Named => {
    const { authorization } = request;
    if (authorization === null) throw unauthenticated('the request does not say which sensor sends it');
    const [, key] = BEARER.exec(authorization) ?? [];
    if (key !== undefined) {
      const owner = keys.ownerOf(key);
      if (owner === null)
        throw new BulkheadError('SENSOR_KEY_UNKNOWN', 'no sensor has this key', { hint: 'register again' });
      return { id: owner, nonce: null };
    }
    const match = SIGNED.exec(authorization);
    if (match === null) throw unauthenticated('the authorization is of no form that is known');
    return signedBy(request, match);
  };

  return (request: SignedRequest): Sender => {
    const { id, nonce } = ownerOf(request);
    const sensor = find(id);
    if (sensor === null)
      throw new BulkheadError('SENSOR_KEY_UNKNOWN', `${id} is not registered any more`, {
        hint: 'register again',
      });
    if (sensor.revoked_at !== null)
      throw new BulkheadError('SENSOR_REVOKED', `${id} was revoked at ${sensor.revoked_at}`, {
        hint: 'an administrator has to let it in again, under a new name: uninstall the sensor and register',
      });
    return { sensor, nonce };
  };
}

interface Named {
  id: string;
  nonce: string | null;
}

function unauthenticated(why: string): BulkheadError {
  return new BulkheadError('SENSOR_UNAUTHENTICATED', why, {
    hint: 'Authorization: Bearer KEY, or Bulkhead-HMAC-SHA256 key=…, time=…, nonce=…, signature=…; see /openapi.json',
  });
}

/** What a sensor has signed lately. */
interface Lately {
  newest_s: number;
  /** Nonce and the time it was signed with. */
  nonces: Map<string, number>;
}

/**
 * Nonces that were used. Times of one sensor rise, but for what overtakes; so only the last seconds have to be remembered, and not
 * all that its clock could be off by.
 */
class NonceMemory {
  readonly #sensors = new Map<string, Lately>();

  /** @returns false: it was used, is too old to tell, or so many were that none can be told any more */
  take(sensor: string, nonce: string, { time_s, now_s }: { time_s: number; now_s: number }): boolean {
    const own = this.#sensors.get(sensor) ?? { newest_s: time_s, nonces: new Map() };
    this.#sensors.set(sensor, own);
    // Later than any that is taken now: the clock was set back since.
    if (own.newest_s > now_s + SIGNATURE_SKEW_S) own.newest_s = time_s;
    own.newest_s = Math.max(own.newest_s, time_s);
    const earliest_s = own.newest_s - SIGNATURE_ORDER_S;
    for (const [old, at_s] of own.nonces) if (at_s < earliest_s) own.nonces.delete(old);
    if (time_s < earliest_s || own.nonces.has(nonce) || own.nonces.size >= NONCES_PER_SENSOR_MAX)
      return false;
    own.nonces.set(nonce, time_s);
    return true;
  }
}
