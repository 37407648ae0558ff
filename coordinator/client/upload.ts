import { createHash } from 'node:crypto';
import { BulkheadError } from '../../base/errors.ts';
import { fileSource } from '../../updater/bundle/file-source.ts';
import { readRange } from '../../updater/source.ts';
import type { Api } from './api.ts';

/** Times that it is asked where to go on: an answer was lost, or somebody else sends the same file. */
const BEGIN_AGAIN_MAX = 5;

interface Progress {
  received_bytes: number;
  piece_max_bytes: number;
  artifact: { sha256: string; kind: string; size_bytes: number } | null;
}

/**
 * Sends a file to the coordinator, piece by piece, from where an earlier try has come to.
 *
 * @returns SHA-256 of the file, hexadecimal
 * @throws BulkheadError BUNDLE_FILE_UNREADABLE, and what the coordinator says
 */
export async function uploadFile(api: Api, path: string): Promise<string> {
  const source = fileSource(path);
  try {
    const size_bytes = await source.size_bytes();
    const hash = createHash('sha256');
    for await (const part of source.read(0, size_bytes)) hash.update(part);
    const sha256 = hash.digest('hex');
    const begin = async () => (await api.call('POST', '/api/v1/uploads', { sha256, size_bytes })) as Progress;
    let progress = await begin();
    let begun = 1;
    while (!progress.artifact) {
      const { received_bytes: at_bytes, piece_max_bytes } = progress;
      const piece = await readRange(source, at_bytes, Math.min(size_bytes, at_bytes + piece_max_bytes));
      const place = `/api/v1/uploads/${sha256}?offset=${at_bytes}&size_bytes=${size_bytes}`;
      try {
        progress = (await api.send('PATCH', place, piece)) as Progress;
      } catch (error) {
        if (!isElsewhere(error) || begun >= BEGIN_AGAIN_MAX) throw error;
        begun += 1;
        progress = await begin();
      }
    }
    return sha256;
  } finally {
    await source.close();
  }
}

/** The upload is not where this side thought it was: further, or over. */
function isElsewhere(error: unknown): boolean {
  return error instanceof BulkheadError && ['UPLOAD_OFFSET', 'UPLOAD_UNKNOWN'].includes(error.code);
}
