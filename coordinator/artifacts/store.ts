import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fsyncFolder } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import { fileSource } from '../../updater/bundle/file-source.ts';
import type { ByteSource } from '../../updater/source.ts';
import { HASH_STEP_BYTES } from './limits.ts';

/** A file on its way in, named by what it will be. */
export interface Upload {
  /** Hexadecimal. */
  sha256: string;
  size_bytes: number;
}

/** Where files lie, named by the SHA-256 of their bytes. What is in it never changes. */
export interface ArtifactStore {
  /** Bytes of an upload that are durable; null: it has not begun. */
  received_bytes(upload: Upload): Promise<number | null>;
  begin(upload: Upload): Promise<void>;
  /** Adds a piece. @throws BulkheadError UPLOAD_OFFSET when that is not where the next one belongs */
  append(upload: Upload, offset_bytes: number, piece: Uint8Array): Promise<void>;
  /** An upload that has arrived whole, to be looked at before it counts. */
  openUpload(upload: Upload): ByteSource;
  /** SHA-256 of what has arrived, hexadecimal. */
  digestUpload(upload: Upload): Promise<string>;
  /** Makes it the artifact of that digest: all of it or nothing, durable. */
  accept(upload: Upload, sha256: string): Promise<void>;
  discard(upload: Upload): Promise<void>;
  uploads(): Promise<(Upload & { changed_ms: number })[]>;
  open(sha256: string): ByteSource;
  /** Bytes from `start_bytes` up to, not including, `end_bytes`, as the body of an answer. */
  body(sha256: string, start_bytes: number, end_bytes: number): Blob | ReadableStream<Uint8Array>;
  has(sha256: string): Promise<boolean>;
  remove(sha256: string): Promise<void>;
  /** Every artifact that is there. */
  list(): Promise<{ sha256: string; changed_ms: number }[]>;
}

export function wrongOffset(next_bytes: number): BulkheadError {
  return new BulkheadError('UPLOAD_OFFSET', `the next piece belongs to byte ${next_bytes}`, {
    hint: 'POST /api/v1/uploads again says where to go on',
  });
}

const UPLOAD_NAME = /^([0-9a-f]{64})\.(\d{1,15})$/;
export const ARTIFACT_NAME = /^[0-9a-f]{64}$/;

/**
 * A store in a folder: `incoming/SHA256.SIZE` until a file is whole and was looked at, then `SHA256`. Coordinators that share a database
 * share this folder, too.
 */
export function localStore(folder: string): ArtifactStore {
  const incoming = join(folder, 'incoming');
  mkdirSync(incoming, { recursive: true, mode: 0o700 });
  const place = (sha256: string) => join(folder, sha256);
  const waiting = ({ sha256, size_bytes }: Upload) => join(incoming, `${sha256}.${size_bytes}`);
  return {
    received_bytes: (upload) => sizeOf(waiting(upload)),
    async begin(upload) {
      await (await open(waiting(upload), 'a', 0o600)).close();
    },
    async append(upload, offset_bytes, piece) {
      const file = await open(waiting(upload), 'r+');
      try {
        const { size } = await file.stat();
        if (size !== offset_bytes) throw wrongOffset(size);
        let done_bytes = 0;
        while (done_bytes < piece.length)
          done_bytes += (await file.write(piece, done_bytes, piece.length - done_bytes, size + done_bytes))
            .bytesWritten;
        await file.datasync();
      } finally {
        await file.close();
      }
    },
    openUpload: (upload) => fileSource(waiting(upload)),
    digestUpload: (upload) => digestOf(waiting(upload)),
    async accept(upload, sha256) {
      const file = await open(waiting(upload), 'r');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(waiting(upload), place(sha256));
      fsyncFolder(folder);
    },
    discard: (upload) => rm(waiting(upload), { force: true }),
    async uploads() {
      const found = [];
      for (const name of await readdir(incoming)) {
        const [, sha256, size] = UPLOAD_NAME.exec(name) ?? [];
        const changed_ms = await changedAt(join(incoming, name));
        if (sha256 !== undefined && changed_ms !== null)
          found.push({ sha256, size_bytes: Number(size), changed_ms });
      }
      return found;
    },
    open: (sha256) => fileSource(place(sha256)),
    // A slice, and never the file: of a file the runtime would answer ranges by itself.
    body: (sha256, start_bytes, end_bytes) => Bun.file(place(sha256)).slice(start_bytes, end_bytes),
    has: async (sha256) => (await sizeOf(place(sha256))) !== null,
    remove: (sha256) => rm(place(sha256), { force: true }),
    async list() {
      const found = [];
      for (const name of await readdir(folder)) {
        const changed_ms = ARTIFACT_NAME.test(name) ? await changedAt(join(folder, name)) : null;
        if (changed_ms !== null) found.push({ sha256: name, changed_ms });
      }
      return found;
    },
  };
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  const source = fileSource(path);
  try {
    let since_bytes = 0;
    for await (const part of source.read(0, await source.size_bytes())) {
      hash.update(part);
      since_bytes += part.length;
      if (since_bytes < HASH_STEP_BYTES) continue;
      since_bytes = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    await source.close();
  }
  return hash.digest('hex');
}

async function sizeOf(path: string): Promise<number | null> {
  return (await factsOf(path))?.size ?? null;
}

async function changedAt(path: string): Promise<number | null> {
  return (await factsOf(path))?.mtimeMs ?? null;
}

/** Null for what is not there: another process may have taken it away. */
async function factsOf(path: string): Promise<{ size: number; mtimeMs: number } | null> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return null;
    throw error;
  }
}
