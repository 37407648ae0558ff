import { execFileSync } from 'node:child_process';
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, rmSync } from 'node:fs';
import type { Static, TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { BulkheadError } from './errors.ts';

export interface TakeOptions<S extends TSchema> {
  schema: S;
  max_bytes: number;
  /** Puts a valid one away before it is gone from here. */
  keep?: (value: Static<S>) => void;
  /** The error that says why it is refused. */
  refused: (why: string, cause?: unknown) => BulkheadError;
}

/**
 * Takes a file of JSON that somebody without rights has left in a folder of their own. It is taken away whatever is in it, so that a
 * bad one is not asked for ever; links are not followed, and only a small plain file is read.
 *
 * @throws what `refused` makes, and what `keep` throws
 */
export function takeUntrustedFile<S extends TSchema>(path: string, options: TakeOptions<S>): Static<S> {
  const { schema, keep, refused } = options;
  try {
    const value = parse(readSmallFile(path, options), refused);
    if (Value.Check(schema, value)) {
      keep?.(value);
      return value;
    }
    const first = Value.Errors(schema, value).First();
    throw refused(`${first?.path || '/'}: ${first?.message ?? 'invalid'}`);
  } finally {
    takeAway(path);
  }
}

function readSmallFile<S extends TSchema>(path: string, { max_bytes, refused }: TakeOptions<S>): string {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw refused('it cannot be read', error);
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile() || stat.size > max_bytes) throw refused('it is no small plain file');
    const bytes = Buffer.alloc(max_bytes);
    return bytes.subarray(0, readSync(file, bytes)).toString('utf8');
  } finally {
    closeSync(file);
  }
}

function parse(text: string, refused: TakeOptions<TSchema>['refused']): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refused('it is no JSON', cause);
  }
}

/** A folder goes by a program that never follows a link on its way down, however its owner rearranges it meanwhile. */
function takeAway(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
    execFileSync('rm', ['--recursive', '--force', '--one-file-system', '--', path]);
  else rmSync(path, { force: true });
}
