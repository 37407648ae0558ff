import { createHash } from 'node:crypto';
import { S3Client, type S3File } from 'bun';
import { BulkheadError } from '../../base/errors.ts';
import type { ByteSource } from '../../updater/source.ts';
import { S3_PART_BYTES } from './limits.ts';
import { ARTIFACT_NAME, type ArtifactStore, type Upload, wrongOffset } from './store.ts';

/** A bucket of any store that speaks S3, and what it takes to use it. */
export interface S3Place {
  bucket: string;
  /** In front of every name, without a slash at its ends; empty: none. */
  prefix: string;
  /** Instead of Amazon's. */
  endpoint: string | undefined;
  region: string | undefined;
  access_key_id: string;
  secret_access_key: string;
}

/** A piece of an upload: `incoming/SHA256.SIZE/OFFSET`, digits in front so that names are in the order of the bytes. */
const PIECE = /\/([0-9a-f]{64})\.(\d{1,15})\/(\d{15})$/;

interface Piece {
  key: string;
  start_bytes: number;
  size_bytes: number;
}

/**
 * A store in a bucket. Pieces of an upload are objects of their own, so that it goes on at any coordinator; whole and looked at, they are
 * put together to `SHA256` by a multipart upload, which is there at once or not at all.
 */
export function s3Store(place: S3Place): ArtifactStore {
  const { bucket, endpoint, region, access_key_id, secret_access_key } = place;
  const client = new S3Client({
    ...{ bucket, accessKeyId: access_key_id, secretAccessKey: secret_access_key },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
  });
  const at = (name: string) => (place.prefix === '' ? name : `${place.prefix}/${name}`);
  const waiting = ({ sha256, size_bytes }: Upload) => at(`incoming/${sha256}.${size_bytes}/`);
  const pieceKey = (upload: Upload, offset_bytes: number) =>
    `${waiting(upload)}${String(offset_bytes).padStart(15, '0')}`;

  async function list(prefix: string): Promise<{ key: string; size_bytes: number; changed_ms: number }[]> {
    const found = [];
    for (let token: string | undefined; ; ) {
      const page = await asked('list', () =>
        client.list({ prefix, ...(token === undefined ? {} : { continuationToken: token }) }),
      );
      for (const { key, size = 0, lastModified } of page.contents ?? [])
        found.push({ key, size_bytes: size, changed_ms: Date.parse(lastModified ?? '') || 0 });
      if (!page.isTruncated || !page.nextContinuationToken) return found;
      token = page.nextContinuationToken;
    }
  }

  /** In the order of their bytes, without a gap; what lies behind a gap is left over from nowhere. */
  async function piecesOf(upload: Upload): Promise<Piece[]> {
    const pieces: Piece[] = [];
    let end_bytes = 0;
    for (const { key, size_bytes } of (await list(waiting(upload))).sort((a, b) =>
      a.key < b.key ? -1 : 1,
    )) {
      const start_bytes = Number(PIECE.exec(key)?.[3]);
      if (start_bytes !== end_bytes || size_bytes === 0) continue;
      pieces.push({ key, start_bytes, size_bytes });
      end_bytes += size_bytes;
    }
    return pieces;
  }

  const endOf = (pieces: readonly Piece[]) => pieces.reduce((sum, piece) => sum + piece.size_bytes, 0);
  const remove = (key: string) => asked('remove', () => client.delete(key));
  const discard = async (upload: Upload) => {
    for (const { key } of await list(waiting(upload))) await remove(key);
  };
  const openPieces = (upload: Upload): ByteSource => {
    const pieces = piecesOf(upload);
    return {
      name: `an upload in ${bucket}`,
      size_bytes: async () => endOf(await pieces),
      async *read(start_bytes, end_bytes) {
        for (const piece of await pieces) {
          const from = Math.max(start_bytes, piece.start_bytes) - piece.start_bytes;
          const to = Math.min(end_bytes, piece.start_bytes + piece.size_bytes) - piece.start_bytes;
          if (from < to) yield* bytesOf(client.file(piece.key), from, to);
        }
      },
      close: async () => {},
    };
  };

  return {
    async received_bytes(upload) {
      const begun = await list(waiting(upload));
      return begun.length === 0 ? null : endOf(await piecesOf(upload));
    },
    async begin(upload) {
      // An empty object, so that an upload of which nothing has come is known.
      await asked('write', () => client.write(`${waiting(upload)}begun`, ''));
    },
    async append(upload, offset_bytes, piece) {
      const end_bytes = endOf(await piecesOf(upload));
      if (end_bytes !== offset_bytes) throw wrongOffset(end_bytes);
      await asked('write', () => client.write(pieceKey(upload, offset_bytes), piece));
    },
    openUpload: openPieces,
    async digestUpload(upload) {
      const hash = createHash('sha256');
      const source = openPieces(upload);
      for await (const part of source.read(0, await source.size_bytes())) hash.update(part);
      return hash.digest('hex');
    },
    async accept(upload, sha256) {
      const source = openPieces(upload);
      const writer = client.file(at(sha256)).writer({ partSize: S3_PART_BYTES, queueSize: 1, retry: 3 });
      try {
        for await (const part of source.read(0, await source.size_bytes())) {
          writer.write(part);
          await writer.flush();
        }
        await writer.end();
      } catch (error) {
        throw storeFailed('write', error);
      }
      await discard(upload);
    },
    discard,
    async uploads() {
      const found = new Map<string, Upload & { changed_ms: number }>();
      for (const { key, changed_ms } of await list(at('incoming/'))) {
        const [, sha256, size] = /\/?incoming\/([0-9a-f]{64})\.(\d{1,15})\//.exec(key) ?? [];
        if (sha256 === undefined) continue;
        const latest_ms = Math.max(changed_ms, found.get(`${sha256}.${size}`)?.changed_ms ?? 0);
        found.set(`${sha256}.${size}`, { sha256, size_bytes: Number(size), changed_ms: latest_ms });
      }
      return [...found.values()];
    },
    open(sha256) {
      const file = client.file(at(sha256));
      return {
        name: `${sha256} in ${bucket}`,
        size_bytes: async () => (await asked('look at', () => file.stat())).size,
        read: (start_bytes, end_bytes) => bytesOf(file, start_bytes, end_bytes),
        close: async () => {},
      };
    },
    // The stream, and never the file: for a file the runtime would answer with a redirect to the bucket, where appliances may not reach.
    // It goes out in chunks, without a length of its own; the answer to a range names the length of the whole.
    body: (sha256, start_bytes, end_bytes) => client.file(at(sha256)).slice(start_bytes, end_bytes).stream(),
    has: (sha256) => asked('look at', () => client.exists(at(sha256))),
    remove: (sha256) => remove(at(sha256)),
    async list() {
      const found = await list(place.prefix === '' ? '' : `${place.prefix}/`);
      return found.flatMap(({ key, changed_ms }) => {
        const name = place.prefix === '' ? key : key.slice(place.prefix.length + 1);
        return ARTIFACT_NAME.test(name) ? [{ sha256: name, changed_ms }] : [];
      });
    },
  };
}

/** @throws BulkheadError ARTIFACT_STORE when fewer come than were asked for */
async function* bytesOf(file: S3File, start_bytes: number, end_bytes: number): AsyncGenerator<Uint8Array> {
  if (start_bytes >= end_bytes) return;
  let left_bytes = end_bytes - start_bytes;
  try {
    for await (const part of file.slice(start_bytes, end_bytes).stream()) {
      left_bytes -= part.length;
      yield part;
    }
  } catch (error) {
    throw storeFailed('read', error);
  }
  if (left_bytes !== 0) throw storeFailed('read', new Error(`${left_bytes} bytes are missing`));
}

async function asked<T>(what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw storeFailed(what, error);
  }
}

function storeFailed(what: string, cause: unknown): BulkheadError {
  return new BulkheadError('ARTIFACT_STORE', `cannot ${what} in the store of files`, {
    cause,
    hint: 'bucket, endpoint and keys of the S3 store: docs/operate/coordinator.md',
  });
}
