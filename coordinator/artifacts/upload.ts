import { BulkheadError } from '../../base/errors.ts';
import { recordDeed } from '../audit/log.ts';
import type { Coordinator } from '../context.ts';
import type { ArtifactRow } from '../database/release-tables.ts';
import { releaseKeys } from '../releases/keys.ts';
import { kindOf, openTrusted } from '../releases/open-artifact.ts';
import { ARTIFACT_MAX_BYTES, UPLOAD_PIECE_MAX_BYTES, UPLOADS_OPEN_MAX } from './limits.ts';
import type { ArtifactStore, Upload } from './store.ts';

/** How far an upload has come. */
export interface UploadProgress {
  /** Where the next piece belongs. */
  received_bytes: number;
  piece_max_bytes: number;
  /** The whole file is here and counts; null: not yet. */
  artifact: ArtifactRow | null;
}

export interface Uploads {
  /**
   * Begins an upload, or says where to go on with one that has begun.
   *
   * @throws BulkheadError UPLOAD_TOO_LARGE, UPLOADS_TOO_MANY, RELEASE_KEYS_MISSING, and those of `append` when only its end was missing
   */
  begin(actor: string, upload: Upload): Promise<UploadProgress>;
  /**
   * Adds the next piece; with the last one the file is looked at, and counts or is thrown away.
   *
   * @throws BulkheadError UPLOAD_UNKNOWN, UPLOAD_OFFSET, UPLOAD_TOO_LARGE, UPLOAD_DIGEST, ARTIFACT_KIND, RELEASE_BUNDLE_REFUSED
   */
  append(
    actor: string,
    upload: Upload,
    piece: { offset_bytes: number; bytes: Uint8Array },
  ): Promise<UploadProgress>;
}

/** Files come in pieces, so that a broken line costs one piece and memory holds no more than that. */
export function createUploads(coordinator: Coordinator): Uploads {
  const { artifacts } = coordinator;
  const inTurn = turns();
  const progress = async (
    actor: string,
    upload: Upload,
    received_bytes: number,
  ): Promise<UploadProgress> => ({
    received_bytes,
    piece_max_bytes: UPLOAD_PIECE_MAX_BYTES,
    artifact: received_bytes < upload.size_bytes ? null : await finishUpload(coordinator, actor, upload),
  });
  return {
    begin: (actor, upload) =>
      inTurn(upload.sha256, async () => {
        const artifact = await findArtifact(coordinator, upload.sha256);
        const piece_max_bytes = UPLOAD_PIECE_MAX_BYTES;
        if (artifact) return { received_bytes: artifact.size_bytes, piece_max_bytes, artifact };
        if (upload.size_bytes > ARTIFACT_MAX_BYTES)
          throw tooLarge(`a file has at most ${ARTIFACT_MAX_BYTES} bytes`);
        // Nothing is carried over a line for hours and refused then.
        await releaseKeys(coordinator.database);
        const received_bytes = await artifacts.received_bytes(upload);
        if (received_bytes === null) {
          await requireRoom(artifacts);
          await artifacts.begin(upload);
        }
        return await progress(actor, upload, received_bytes ?? 0);
      }),
    append: (actor, upload, { offset_bytes, bytes }) =>
      inTurn(upload.sha256, async () => {
        if ((await artifacts.received_bytes(upload)) === null)
          throw new BulkheadError('UPLOAD_UNKNOWN', `no upload of ${upload.sha256} has begun`, {
            hint: 'POST /api/v1/uploads begins one',
          });
        if (offset_bytes + bytes.length > upload.size_bytes)
          throw tooLarge(`the piece ends behind the ${upload.size_bytes} bytes that were announced`);
        await artifacts.append(upload, offset_bytes, bytes);
        return await progress(actor, upload, offset_bytes + bytes.length);
      }),
  };
}

/** @returns undefined: no such file has arrived */
export async function findArtifact(
  { database }: Coordinator,
  sha256: string,
): Promise<ArtifactRow | undefined> {
  return await database.selectFrom('artifacts').selectAll().where('sha256', '=', sha256).executeTakeFirst();
}

/** @throws BulkheadError UPLOADS_TOO_MANY */
export async function requireRoom(artifacts: ArtifactStore): Promise<void> {
  if ((await artifacts.uploads()).length < UPLOADS_OPEN_MAX) return;
  throw new BulkheadError('UPLOADS_TOO_MANY', `${UPLOADS_OPEN_MAX} uploads have not ended yet`, {
    hint: 'end one of them; those without a new piece for a day are given up',
  });
}

/**
 * Looks at what has arrived whole, and makes an artifact of it or throws it away.
 *
 * @param upload named by its digest, unless `sha256` says what that is
 * @throws BulkheadError UPLOAD_DIGEST, ARTIFACT_KIND, RELEASE_BUNDLE_REFUSED
 */
export async function finishUpload(
  coordinator: Coordinator,
  actor: string,
  upload: Upload,
  { sha256, size_bytes } = upload,
): Promise<ArtifactRow> {
  const { artifacts, doWork, now_ms } = coordinator;
  let kind: ArtifactRow['kind'];
  try {
    kind = await inspect(coordinator, upload, sha256);
  } catch (error) {
    if (error instanceof BulkheadError) await artifacts.discard(upload);
    throw error;
  }
  await artifacts.accept(upload, sha256);
  const created_ms = now_ms();
  const artifact: ArtifactRow = { sha256, kind, size_bytes, created_ms, created_by: actor };
  await doWork(async (work) => {
    await work
      .insertInto('artifacts')
      .values(artifact)
      .onConflict((conflict) => conflict.column('sha256').doNothing())
      .execute();
    const details = { kind, size_bytes };
    await recordDeed(work, created_ms, {
      ...{ actor, action: 'artifact.upload', subject: `artifact:${sha256}`, details },
    });
  });
  return artifact;
}

/** @throws BulkheadError UPLOAD_DIGEST, ARTIFACT_KIND, RELEASE_BUNDLE_REFUSED */
async function inspect(
  { artifacts, database, now_ms }: Coordinator,
  upload: Upload,
  sha256: string,
): Promise<ArtifactRow['kind']> {
  const digest = await artifacts.digestUpload(upload);
  if (digest !== sha256)
    throw new BulkheadError('UPLOAD_DIGEST', `what arrived has the digest ${digest}, not ${sha256}`, {
      hint: 'it was changed on the way, or is another file: upload it again',
    });
  const source = artifacts.openUpload(upload);
  try {
    const kind = await kindOf(source);
    if (kind === 'bundle') await openTrusted(source, await releaseKeys(database), new Date(now_ms()));
    return kind;
  } finally {
    await source.close();
  }
}

export const tooLarge = (what: string) => new BulkheadError('UPLOAD_TOO_LARGE', what);

/** One after the other for what has the same name; others side by side. */
function turns(): <T>(name: string, act: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return async (name, act) => {
    const turn = (last.get(name) ?? Promise.resolve()).then(act, act);
    last.set(name, turn);
    try {
      return await turn;
    } finally {
      if (last.get(name) === turn) last.delete(name);
    }
  };
}
