import type { Static, TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { requestInvalid } from '../server/problem.ts';

/** What a person filled in. An empty field is one that was left out. */
export class Fields {
  readonly #values: URLSearchParams;

  constructor(values: URLSearchParams = new URLSearchParams()) {
    this.#values = values;
  }

  text(name: string): string | undefined {
    return this.#values.get(name)?.trim() || undefined;
  }

  /** As it was typed: a password may begin with a blank. */
  secret(name: string): string {
    return this.#values.get(name) ?? '';
  }

  all(name: string): string[] {
    return this.#values.getAll(name);
  }

  /** @throws BulkheadError REQUEST_INVALID: left out */
  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw requestInvalid(`fill in '${name.replaceAll('_', ' ')}'`);
    return value;
  }
}

/**
 * A value that fits what the API takes at the same place.
 *
 * @param what as a person calls it
 * @throws BulkheadError REQUEST_INVALID
 */
export function fitting<T extends TSchema>(schema: T, value: unknown, what: string): Static<T> {
  if (Value.Check(schema, value)) return value;
  const first = Value.Errors(schema, value).First();
  throw requestInvalid(
    `${what} does not fit: ${first?.path ?? ''} ${first?.message ?? 'invalid'}`.replace('  ', ' '),
  );
}

/** Lines of `name=value`, as people write tags. @throws BulkheadError REQUEST_INVALID */
export function readTags(text: string | undefined): Record<string, string> {
  const lines = (text ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf('=');
      if (at < 1) throw requestInvalid(`'${line.slice(0, 60)}' is no tag: write name=value, one on a line`);
      return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    }),
  );
}

export function writeTags(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n');
}
