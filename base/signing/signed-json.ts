import type { Static, TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

/**
 * The value in signed bytes. There is one way to write it (no white space, no name twice), so that no two readers can
 * read two things out of one signature.
 *
 * @throws Error in plain words; the caller knows what it was reading
 */
export function parseSignedJson<S extends TSchema>(payload: Uint8Array, schema: S): Static<S> {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload);
  const value: unknown = JSON.parse(text);
  // Before it is written anew: writing what is nested ten thousand deep takes a second.
  if (!Value.Check(schema, value)) {
    const first = Value.Errors(schema, value).First();
    throw new Error(`${first?.path || '/'}: ${first?.message ?? 'invalid'}`);
  }
  if (JSON.stringify(value) !== text) throw new Error('the JSON is not written in its one form');
  return value;
}
