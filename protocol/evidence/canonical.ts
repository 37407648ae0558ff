import { BODY_DEPTH_MAX } from './limits.ts';

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

/**
 * JSON in its one form (RFC 8785, JSON Canonicalization Scheme): no white space, names in the order of their UTF-16 code units,
 * numbers and texts as ECMAScript writes them.
 *
 * @throws Error in plain words for what has no such form: an unpaired surrogate, a number without end, too deep a nesting
 */
export function canonicalJson(value: JsonValue, depth = 0): string {
  if (depth > BODY_DEPTH_MAX + 1) throw new Error(`nested more than ${BODY_DEPTH_MAX} deep`);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new Error('a number that JSON does not have');
    return JSON.stringify(value);
  }
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new Error('a text with half a character in it');
    return JSON.stringify(value);
  }
  if (isList(value)) return `[${value.map((item) => canonicalJson(item, depth + 1)).join(',')}]`;
  if (typeof value !== 'object') throw new Error(`a ${typeof value}, which JSON does not have`);
  const members = Object.keys(value)
    .sort()
    .map((name) => `${canonicalJson(name)}:${canonicalJson(value[name] as JsonValue, depth + 1)}`);
  return `{${members.join(',')}}`;
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
