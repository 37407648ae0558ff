import { closeSync, openSync, writeSync } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fsyncFolder } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import type { ChainPlace } from '../../protocol/evidence/statements.ts';

/** A file that grows at its end, by writes that are there whole or not at all. */
export class AppendFile {
  readonly path: string;
  readonly #file: FileHandle;
  #size_bytes: number;

  private constructor(path: string, file: FileHandle, size_bytes: number) {
    this.path = path;
    this.#file = file;
    this.#size_bytes = size_bytes;
  }

  /** @param mode `new`: it must not be there */
  static async open(path: string, mode: 'new' | 'there'): Promise<AppendFile> {
    const file = await open(path, mode === 'new' ? 'wx' : 'r+', 0o640);
    if (mode === 'new') fsyncFolder(dirname(path));
    return new AppendFile(path, file, (await file.stat()).size);
  }

  get size_bytes(): number {
    return this.#size_bytes;
  }

  /**
   * On the disk when it resolves.
   *
   * @throws BulkheadError EVIDENCE_FULL when there is no room: then the file is as it was. EVIDENCE_FAILED when what the disk holds is
   * not known any more: then nothing may be written behind it before it was read again.
   */
  async append(bytes: Uint8Array): Promise<void> {
    try {
      await this.#write(bytes);
    } catch (cause) {
      await this.#undo(cause);
      if (isNoRoom(cause))
        throw new BulkheadError('EVIDENCE_FULL', 'the disk has no more room for evidence', {
          cause,
          hint: "see 'bulkhead evidence status': export segments, or let the coordinator take them",
        });
      throw failed(this.path, cause);
    }
    try {
      await this.#file.datasync();
    } catch (cause) {
      // What was not flushed may read as if it had been.
      throw failed(this.path, cause);
    }
    this.#size_bytes += bytes.length;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** For a file that turned out not to be needed. */
  async discard(): Promise<void> {
    await this.close();
    await unlink(this.path);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    let written = 0;
    while (written < bytes.length) {
      const { bytesWritten } = await this.#file.write(
        bytes,
        written,
        bytes.length - written,
        this.#size_bytes + written,
      );
      written += bytesWritten;
    }
  }

  async #undo(cause: unknown): Promise<void> {
    try {
      await this.#file.truncate(this.#size_bytes);
      await this.#file.datasync();
    } catch {
      // The first failure says more.
      throw failed(this.path, cause);
    }
  }
}

/** The mark of how far the log has told that it is on the disk; see recover.ts. */
export class AcknowledgedMark {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a+', 0o640);
    closeSync(this.#file);
    this.#file = openSync(path, 'r+');
  }

  /** One sector, which is written whole or not at all, and always of one length. */
  set({ chain, seq, hash }: ChainPlace): void {
    const text = JSON.stringify({ chain, hash, seq });
    writeSync(this.#file, `${text.padEnd(MARK_BYTES - 1)}\n`, 0);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** A chain, a hash and a number of 16 digits. */
const MARK_BYTES = 160;

function isNoRoom(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}

function failed(path: string, cause: unknown): BulkheadError {
  return new BulkheadError(
    'EVIDENCE_FAILED',
    `writing to ${path} failed; nothing more is written before it was read again`,
    {
      cause,
      hint: 'the service starts again by itself; if it fails again, the disk does',
    },
  );
}
