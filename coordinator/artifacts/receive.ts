import { createHash } from 'node:crypto';
import { BulkheadError } from '../../base/errors.ts';
import type { Coordinator } from '../context.ts';
import type { ArtifactRow } from '../database/release-tables.ts';
import { releaseKeys } from '../releases/keys.ts';
import { ARTIFACT_MAX_BYTES, UPLOAD_PIECE_MAX_BYTES } from './limits.ts';
import type { Upload } from './store.ts';
import { finishUpload, requireRoom, tooLarge } from './upload.ts';

/**
 * Takes a file that comes in one go and whose digest nobody has said before, as a browser sends it. It goes to the disk piece by piece;
 * what was broken off is thrown away.
 *
 * @throws BulkheadError RELEASE_KEYS_MISSING, UPLOADS_TOO_MANY, UPLOAD_TOO_LARGE, ARTIFACT_KIND, RELEASE_BUNDLE_REFUSED, and what `bytes` throws
 */
export async function receiveFile(
  coordinator: Coordinator,
  actor: string,
  bytes: AsyncIterable<Uint8Array>,
): Promise<ArtifactRow> {
  const { artifacts, database, random } = coordinator;
  await releaseKeys(database);
  await requireRoom(artifacts);
  // Until it is there, it has a name that no other has.
  const upload: Upload = { sha256: Buffer.from(random(32)).toString('hex'), size_bytes: ARTIFACT_MAX_BYTES };
  await artifacts.begin(upload);
  const hash = createHash('sha256');
  let size_bytes = 0;
  try {
    for await (const piece of inPieces(bytes)) {
      if (size_bytes + piece.length > ARTIFACT_MAX_BYTES)
        throw tooLarge(`a file has at most ${ARTIFACT_MAX_BYTES} bytes`);
      await artifacts.append(upload, size_bytes, piece);
      hash.update(piece);
      size_bytes += piece.length;
    }
    if (size_bytes === 0) throw new BulkheadError('ARTIFACT_KIND', 'the file is empty');
    return await finishUpload(coordinator, actor, upload, { sha256: hash.digest('hex'), size_bytes });
  } catch (error) {
    await artifacts.discard(upload);
    throw error;
  }
}

/** Every append is flushed to the disk: few large ones. */
async function* inPieces(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let held_bytes = 0;
  for await (const part of bytes) {
    held.push(part);
    held_bytes += part.length;
    if (held_bytes < UPLOAD_PIECE_MAX_BYTES) continue;
    yield Buffer.concat(held);
    held = [];
    held_bytes = 0;
  }
  if (held_bytes > 0) yield Buffer.concat(held);
}
