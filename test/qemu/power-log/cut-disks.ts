import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { SECTOR_BYTES } from '../../../partitions/slot-blob.ts';
import { copyDisk, createOverlay, putRange } from '../harness/disk.ts';
import type { DiskFile } from '../harness/options.ts';
import { type Cut, pendingAt } from './chosen-cuts.ts';
import type { DiskShape } from './disk-shape.ts';
import type { Prefix } from './power-judge.ts';
import type { LogEntry, WriteLog } from './write-log.ts';

const PART_BYTES = 1024 * 1024;

/**
 * Makes the disks that cuts leave behind, to boot from. One working copy of the disk goes along the log, so cuts have to be asked for
 * in the order of their numbers, and a disk is good until the next one is made.
 */
export class CutDisks {
  #reached = 0;
  readonly #log: WriteLog;
  readonly #entries: LogEntry[];
  readonly #prefixes: readonly Prefix[];
  readonly #work: string;

  private constructor(log: WriteLog, shape: DiskShape, prefixes: readonly Prefix[], work: string) {
    this.#log = log;
    this.#entries = [...log.read(shape.size_bytes)];
    this.#prefixes = prefixes;
    this.#work = work;
  }

  /** @param work where the working copy goes */
  static async of(
    log: WriteLog,
    base: DiskFile,
    shape: DiskShape,
    prefixes: readonly Prefix[],
    work: string,
  ): Promise<CutDisks> {
    await copyDisk(base, { path: work, format: 'raw' });
    return new CutDisks(log, shape, prefixes, work);
  }

  /** @param path of the overlay that is made */
  async make({ number, disk }: Cut, path: string): Promise<DiskFile> {
    const prefix = this.#prefixes[number];
    if (!prefix) throw new Error(`the log has no entry ${number}`);
    const pending = pendingAt(prefix, this.#prefixes).map(({ entry }) => entry);
    this.#advance(pending[0]?.number ?? number + 1);
    const overlay = await createOverlay(path, { path: this.#work, format: 'raw' });
    if (disk === 'lost') return overlay;
    const last = pending.at(-1);
    for (const entry of pending) {
      if (disk === 'last-alone' && entry !== last) continue;
      const half_bytes = Math.floor(entry.size_bytes / 2 / SECTOR_BYTES) * SECTOR_BYTES;
      const kept_bytes = disk === 'torn' && entry === last ? half_bytes : entry.size_bytes;
      if (kept_bytes === 0) continue;
      writeFileSync(`${path}.write`, this.#log.data(entry, 0, kept_bytes));
      await putRange(overlay, entry.offset_bytes, `${path}.write`);
    }
    return overlay;
  }

  /** Everything before this entry is on the working copy. */
  #advance(number: number): void {
    if (number < this.#reached) throw new Error(`cuts go forward: ${number} comes before ${this.#reached}`);
    const file = openSync(this.#work, 'r+');
    for (const entry of this.#entries.slice(this.#reached, number)) {
      for (let from_bytes = 0; from_bytes < entry.size_bytes; from_bytes += PART_BYTES) {
        const data = this.#log.data(entry, from_bytes, Math.min(entry.size_bytes, from_bytes + PART_BYTES));
        for (let put_bytes = 0; put_bytes < data.length; )
          put_bytes += writeSync(
            file,
            data,
            put_bytes,
            data.length - put_bytes,
            entry.offset_bytes + from_bytes + put_bytes,
          );
      }
    }
    closeSync(file);
    this.#reached = number;
  }
}
