import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, runOrThrow } from '../../../base/run.ts';
import { type BootState, serialiseBootState } from '../../../partitions/boot-state.ts';

import { SECTOR_BYTES } from '../../../partitions/slot-blob.ts';
import { makeSyntheticSlot } from '../../../updater/testing/synthetic-slot.ts';
import { type DiskShape, readDiskShape } from './disk-shape.ts';
import { type KnownRelease, openRelease } from './known-release.ts';

/** A disk of a few MiB with everything an appliance has on it, and logs made by hand: for tests that plant faults. */

const MIB_BYTES = 1024 * 1024;
/** With a data file system there has to be room for one with a journal. */
const DISK_BYTES = 8 * MIB_BYTES;
const DISK_WITH_DATA_BYTES = 24 * MIB_BYTES;
const SLOT_BLOCKS = 40;

export interface Lab {
  folder: string;
  disk: string;
  shape: DiskShape;
  blobs: Readonly<Record<'old' | 'running' | 'new', Uint8Array>>;
  releases: readonly KnownRelease[];
  remove(): void;
}

/**
 * Slot A runs `running`, slot B holds `old`; both are good.
 *
 * @param withData with a data file system, which takes a moment to make
 */
export async function makeLab(state: BootState, withData = false): Promise<Lab> {
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-power-'));
  const disk = join(folder, 'disk');
  const file = openSync(disk, 'w+');
  ftruncateSync(file, withData ? DISK_WITH_DATA_BYTES : DISK_BYTES);
  const parts = ['size=2MiB,name=ESP', 'size=1MiB,name=root-a', 'size=1MiB,name=root-b', 'name=MSP-DATA'];
  await runOrThrow(run, 'sfdisk', ['-q', disk], { input: `label: gpt\n${parts.join('\n')}\n` });
  const esp = join(folder, 'esp');
  writeFileSync(join(folder, 'ab_state'), serialiseBootState(state));
  await runOrThrow(run, 'mkfs.vfat', ['-C', esp, '2048']);
  await runOrThrow(run, 'mcopy', ['-i', esp, join(folder, 'ab_state'), '::ab_state']);
  const place = async (bytes: Uint8Array, offset_bytes: number) => {
    for (let put = 0; put < bytes.length; )
      put += writeSync(file, bytes, put, bytes.length - put, offset_bytes + put);
  };
  await place(await Bun.file(esp).bytes(), MIB_BYTES);
  const shape = await readDiskShape(disk);
  const blobs = {
    old: makeSyntheticSlot({ blocks: SLOT_BLOCKS - 3, seed: 1, version: '0.9.0' }),
    running: makeSyntheticSlot({ blocks: SLOT_BLOCKS, seed: 2, version: '1.0.0' }),
    new: makeSyntheticSlot({ blocks: SLOT_BLOCKS, seed: 3, version: '1.1.0' }),
  };
  await place(blobs.running, shape.slots.A.start_bytes);
  await place(blobs.old, shape.slots.B.start_bytes);
  if (withData) {
    const data = join(folder, 'data');
    const size_kib = (shape.data.end_bytes - shape.data.start_bytes) / 1024;
    await runOrThrow(run, 'mke2fs', ['-q', '-t', 'ext4', '-J', 'size=4', data, String(size_kib)]);
    await place(await Bun.file(data).bytes(), shape.data.start_bytes);
  }
  closeSync(file);
  const releases = (['old', 'running', 'new'] as const).map((name) => {
    const path = join(folder, `${name}.slot`);
    writeFileSync(path, blobs[name]);
    return openRelease(name, path);
  });
  const remove = () => {
    for (const release of releases) release.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { folder, disk, shape, blobs, releases, remove };
}

/** A write of a log made by hand. */
export interface HandWrite {
  offset_bytes: number;
  bytes: Uint8Array;
  fua?: boolean;
}

export type HandEntry = HandWrite | 'flush';

/** A log as QEMU writes it (see write-log.ts). */
export function serialiseLog(entries: readonly HandEntry[]): Uint8Array {
  const sectors: Uint8Array[] = [];
  const header = (...fields: number[]) => {
    const sector = Buffer.alloc(SECTOR_BYTES);
    for (const [at, field] of fields.entries()) sector.writeBigUInt64LE(BigInt(field), at * 8);
    sectors.push(sector);
  };
  const superblock = Buffer.alloc(SECTOR_BYTES);
  superblock.writeBigUInt64LE(0x6a736677736872n, 0);
  superblock.writeBigUInt64LE(1n, 8);
  superblock.writeBigUInt64LE(BigInt(entries.length), 16);
  superblock.writeUInt32LE(SECTOR_BYTES, 24);
  sectors.push(superblock);
  for (const entry of entries) {
    if (entry === 'flush') {
      header(0, 0, 1);
      continue;
    }
    header(entry.offset_bytes / SECTOR_BYTES, entry.bytes.length / SECTOR_BYTES, entry.fua ? 2 : 0);
    sectors.push(entry.bytes);
  }
  return Buffer.concat(sectors);
}

/** The steps of an update, each as the writes it makes, for putting together right and wrong. */
export function updateSteps({ shape, blobs }: Pick<Lab, 'shape' | 'blobs'>) {
  const target = shape.slots.B.start_bytes;
  const release = blobs.new;
  const at = (from_bytes: number, to_bytes: number): HandWrite => ({
    offset_bytes: target + from_bytes,
    bytes: release.slice(from_bytes, to_bytes),
  });
  const data_bytes = SLOT_BLOCKS * 4096;
  const withoutHeader = release.slice(0, 4096);
  withoutHeader.fill(0, 0, SECTOR_BYTES);
  const body: HandEntry[] = [];
  for (let from_bytes = 4096; from_bytes < data_bytes; from_bytes += 48 * 1024)
    body.push(at(from_bytes, Math.min(data_bytes, from_bytes + 48 * 1024)), 'flush');
  return {
    state: (state: BootState): HandEntry[] => [
      { offset_bytes: shape.state_at_bytes, bytes: serialiseBootState(state) },
      'flush',
    ],
    clearHeader: [{ offset_bytes: target, bytes: new Uint8Array(4096) }, 'flush'] as HandEntry[],
    body,
    end: [at(data_bytes, release.length), 'flush'] as HandEntry[],
    firstBlock: [at(0, 4096), 'flush'] as HandEntry[],
    /** Everything of the first block but the header, so that the header alone is what comes last. */
    firstBlockWithoutHeader: [{ offset_bytes: target, bytes: withoutHeader }, 'flush'] as HandEntry[],
  };
}
