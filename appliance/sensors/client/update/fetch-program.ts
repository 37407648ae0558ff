import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { BulkheadError } from '../../../../base/errors.ts';
import { formatBytes } from '../../../../base/text.ts';
import { httpSource } from '../../../../updater/fetch/http-source.ts';
import { FETCH_PATIENCE_MS, SPARE_BYTES } from './limits.ts';
import type { SensorRelease } from './release.ts';

/**
 * Fetches a program to a file, of which nothing more than its release says is taken. What arrived before goes on where it broke off, also
 * after a restart. The file stands at its place only when it is whole and its SHA-256 is that of the release.
 *
 * @throws BulkheadError SENSOR_PROGRAM_DIGEST, SENSOR_PROGRAM_NO_ROOM, and those of httpSource
 */
export async function fetchProgram(
  url: string,
  release: SensorRelease,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const part = `${path}.part`;
  // One that was fetched before and not tried to the end is looked at like any beginning.
  if (existsSync(path)) renameSync(path, part);
  const hash = createHash('sha256');
  let at_bytes = existsSync(part) ? statSync(part).size : 0;
  if (at_bytes > release.size_bytes) at_bytes = 0;
  requireRoom(dirname(path), release.size_bytes - at_bytes);
  if (at_bytes > 0) for await (const chunk of createReadStream(part)) hash.update(chunk as Uint8Array);
  const source = httpSource([url], { signal, retry_for_ms: FETCH_PATIENCE_MS });
  const file = openSync(part, at_bytes > 0 ? 'a' : 'w', 0o700);
  try {
    if (at_bytes < release.size_bytes)
      for await (const chunk of source.read(at_bytes, release.size_bytes)) {
        hash.update(chunk);
        for (let written = 0; written < chunk.length; ) written += writeSync(file, chunk, written);
      }
    fsyncSync(file);
  } finally {
    closeSync(file);
    await source.close();
  }
  const found = hash.digest('hex');
  if (found !== release.sha256) {
    // Nothing in it can be trusted to be a beginning of the right one.
    rmSync(part);
    throw new BulkheadError(
      'SENSOR_PROGRAM_DIGEST',
      `what came from ${url} has SHA-256 ${found}, signed is ${release.sha256}`,
      { hint: 'the file was changed or damaged on its way; it is fetched anew at the next offer' },
    );
  }
  renameSync(part, path);
}

function requireRoom(folder: string, wanted_bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const free_bytes = bavail * bsize;
  if (free_bytes >= wanted_bytes + SPARE_BYTES) return;
  throw new BulkheadError(
    'SENSOR_PROGRAM_NO_ROOM',
    `the new program needs ${formatBytes(wanted_bytes)} and some to spare; ${folder} has ${formatBytes(free_bytes)}`,
    { hint: 'free some space; it is tried again at the next offer' },
  );
}
