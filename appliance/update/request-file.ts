import { execFileSync } from 'node:child_process';
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, rmSync } from 'node:fs';
import { Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import { Pattern } from '../../base/schema.ts';
import { REQUEST_MAX_BYTES } from './limits.ts';

/**
 * What the unprivileged agent may ask the updater for. Nothing in it can make an unsigned, refused or older release
 * acceptable: who can write this file can ask for a signed release and for nothing else.
 */
const UpdateRequestFile = t.Object(
  {
    format: t.Literal(1),
    urls: t.Array(Pattern(/^https?:\/\/[^\s]{1,2000}$/), { minItems: 1, maxItems: 8 }),
    delta_only: t.Boolean(),
    reboot: t.Boolean({ description: 'in the next maintenance window, or at once where there is none' }),
  },
  { additionalProperties: false },
);
export type UpdateRequestFile = (typeof UpdateRequestFile)['static'];

/** A request that the service has taken and that has not ended yet. */
export const TakenRequest = t.Composite(
  [
    UpdateRequestFile,
    t.Object({
      starts: t.Integer({ minimum: 1, description: 'how often it was begun, this time included' }),
    }),
  ],
  { additionalProperties: false },
);
export type TakenRequest = (typeof TakenRequest)['static'];

/** @throws what the file system throws */
export function writeRequest(path: string, request: UpdateRequestFile): void {
  writeFileAtomic(path, JSON.stringify(request));
}

/** A folder goes by a program that never follows a link on its way down, however its owner rearranges it meanwhile. */
function takeAway(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
    execFileSync('rm', ['--recursive', '--force', '--one-file-system', '--', path]);
  else rmSync(path, { force: true });
}

/**
 * Takes the request away, whatever is in it, so that a bad one is not asked for ever. The folder belongs to the agent, so links
 * are not followed and only a plain file is read.
 *
 * @param keep puts a valid one away before it is gone from here
 * @throws BulkheadError UPDATE_REQUEST_INVALID
 */
export function takeRequest(
  path: string,
  keep: (request: UpdateRequestFile) => void = () => undefined,
): UpdateRequestFile {
  const invalid = (why: string, cause?: unknown) =>
    new BulkheadError('UPDATE_REQUEST_INVALID', `the request in ${path} is refused: ${why}`, {
      ...(cause === undefined ? {} : { cause }),
    });
  try {
    const value: unknown = parse(readSmallFile(path, invalid), invalid);
    if (Value.Check(UpdateRequestFile, value)) {
      keep(value);
      return value;
    }
    const first = Value.Errors(UpdateRequestFile, value).First();
    throw invalid(`${first?.path || '/'}: ${first?.message ?? 'invalid'}`);
  } finally {
    takeAway(path);
  }
}

type Invalid = (why: string, cause?: unknown) => BulkheadError;

function readSmallFile(path: string, invalid: Invalid): string {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(file);
      if (!stat.isFile() || stat.size > REQUEST_MAX_BYTES) throw invalid('it is no small plain file');
      const bytes = Buffer.alloc(REQUEST_MAX_BYTES);
      return bytes.subarray(0, readSync(file, bytes)).toString('utf8');
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof BulkheadError) throw error;
    throw invalid('it cannot be read', error);
  }
}

function parse(text: string, invalid: Invalid): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid('it is no JSON', cause);
  }
}
