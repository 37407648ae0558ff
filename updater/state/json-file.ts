import { chmodSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Static, TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { fsyncFolder, writeFileAtomic } from '../../base/atomic-file.ts';
import { BulkheadError, describeError } from '../../base/errors.ts';

/** What was found: `damaged` is there, but of another form (a message says how). */
export type JsonFileReading<T> =
  | { condition: 'ok'; value: T }
  | { condition: 'missing' }
  | { condition: 'damaged'; message: string };

/** One state file with one schema: read checked, written whole, durable when `write` returns. */
export interface JsonFile<T> {
  read(): JsonFileReading<T>;
  /** @throws BulkheadError UPDATE_STATE_UNWRITABLE */
  write(value: T): void;
  /** @throws BulkheadError UPDATE_STATE_UNWRITABLE */
  remove(): void;
}

/** @param what for messages: 'the pending update' */
export function jsonFile<S extends TSchema>(path: string, schema: S, what: string): JsonFile<Static<S>> {
  const unwritable = (cause: unknown) =>
    new BulkheadError('UPDATE_STATE_UNWRITABLE', `cannot write ${what} to ${path}`, {
      cause,
      hint: 'the data partition is full, read-only or damaged: df, dmesg',
    });
  return {
    read: () => {
      let text: string;
      try {
        text = readFileSync(path, 'utf8');
      } catch (error) {
        const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
        return missing ? { condition: 'missing' } : { condition: 'damaged', message: describeError(error) };
      }
      try {
        const value: unknown = JSON.parse(text);
        if (Value.Check(schema, value)) return { condition: 'ok', value };
        const first = Value.Errors(schema, value).First();
        return { condition: 'damaged', message: `${first?.path ?? '/'}: ${first?.message ?? 'invalid'}` };
      } catch (error) {
        return { condition: 'damaged', message: describeError(error) };
      }
    },
    write: (value) => {
      try {
        mkdirSync(dirname(path), { recursive: true });
        writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
        // Whatever the umask of the unit is: the agent's user reads it.
        chmodSync(path, 0o644);
      } catch (cause) {
        throw unwritable(cause);
      }
    },
    remove: () => {
      try {
        rmSync(path, { force: true });
        fsyncFolder(dirname(path));
      } catch (cause) {
        throw unwritable(cause);
      }
    },
  };
}
