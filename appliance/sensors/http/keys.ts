import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { StorePart } from '../../site/store/migrations.ts';
import type { SiteStore } from '../../site/store/store.ts';

/** The keys have to be used for signatures, so they are kept as they are, in a file that only the service reads. */
export const HTTP_KEYS_PART: StorePart = {
  name: 'http_keys',
  steps: [
    'create table http_keys (sensor text primary key, api_key text not null, made_ms integer not null) strict, without rowid',
  ],
};

/** Says what it is where it is found. */
const KEY_PREFIX = 'bhs_';
const KEY_BYTES = 32;

/** Keys of the sensors that speak HTTP. */
export interface SensorKeys {
  /** Makes one; a sensor has one at a time. */
  make(sensor: string, now_ms: number): Promise<string>;
  /** Whose key it is. */
  ownerOf(api_key: string): string | null;
  /** HMAC-SHA256 by the key of a sensor, as it is sent; null: it has none. */
  isSignedBy(sensor: string, text: string, signature: Uint8Array): boolean;
  /** HMAC-SHA256 by the key of a sensor, base64; null: it has none. */
  sign(sensor: string, text: string): string | null;
}

/** Reads all keys once: there are as many as sensors. */
export function createSensorKeys(store: SiteStore): SensorKeys {
  const keys = new Map<string, string>();
  const owners = new Map<string, string>();
  const remember = (sensor: string, api_key: string) => {
    const before = keys.get(sensor);
    if (before !== undefined) owners.delete(digest(before));
    keys.set(sensor, api_key);
    owners.set(digest(api_key), sensor);
  };
  const rows = store.database
    .query<{ sensor: string; api_key: string }, []>('select sensor, api_key from http_keys')
    .all();
  for (const { sensor, api_key } of rows) remember(sensor, api_key);
  return {
    async make(sensor, now_ms) {
      const api_key = KEY_PREFIX + randomBytes(KEY_BYTES).toString('base64url');
      await store.write((file) =>
        file
          .query(
            'insert into http_keys values (?1, ?2, ?3) on conflict (sensor) do update set api_key = ?2, made_ms = ?3',
          )
          .run(sensor, api_key, now_ms),
      );
      remember(sensor, api_key);
      return api_key;
    },
    // By its digest: how long the search takes says nothing about the key.
    ownerOf: (api_key) => owners.get(digest(api_key)) ?? null,
    sign(sensor, text) {
      const key = keys.get(sensor);
      return key === undefined ? null : createHmac('sha256', key).update(text).digest('base64');
    },
    isSignedBy(sensor, text, signature) {
      const key = keys.get(sensor);
      if (key === undefined) return false;
      const expected = createHmac('sha256', key).update(text).digest();
      return signature.length === expected.length && timingSafeEqual(expected, signature);
    },
  };
}

function digest(api_key: string): string {
  return createHash('sha256').update(api_key).digest('base64');
}
