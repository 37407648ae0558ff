import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BLOCK_BYTES, footerOffset } from '../../partitions/slot-blob.ts';
import { manifestOfSlot } from '../testing/manifest-of-slot.ts';
import { makeSyntheticSlot } from '../testing/synthetic-slot.ts';
import { openSlotDevice, type SlotDevice } from './slot-device.ts';
import { finishSlot } from './slot-finish.ts';
import { slotShape } from './slot-shape.ts';
import { SlotWriter } from './slot-writer.ts';

const SLOT = makeSyntheticSlot({ blocks: 300, seed: 3, version: '2.0.0' });
const manifest = manifestOfSlot(SLOT);
const shape = slotShape(manifest);
const salt = Buffer.from(manifest.slot.salt, 'hex');
/** What the target stream is: data, superblock, footer. */
const STREAM = Buffer.concat([
  SLOT.subarray(0, shape.data_bytes + BLOCK_BYTES),
  SLOT.subarray(shape.data_bytes + BLOCK_BYTES + shape.tree_bytes),
]);

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-finish-'));
  path = join(folder, 'slot');
  const file = openSync(path, 'w');
  ftruncateSync(file, SLOT.length + 1024 * 1024);
  closeSync(file);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Writes the slot to a disk that gives back one bit of it wrongly. @param wrong_bytes which; undefined for none */
async function written(wrong_bytes?: number): Promise<void> {
  const device = await openSlotDevice(path);
  const forgetful: SlotDevice = {
    ...device,
    read: async (offset_bytes, into) => {
      await device.read(offset_bytes, into);
      const at = (wrong_bytes ?? -1) - offset_bytes;
      if (at >= 0 && at < into.length) into[at] = (into[at] ?? 0) ^ 1;
    },
  };
  try {
    const writer = new SlotWriter(forgetful, shape, salt);
    for (let at = 0; at < STREAM.length; at += 100_000) {
      await writer.put(STREAM.subarray(at, at + 100_000));
      // As for a checkpoint: what was given to the disk is then of any length.
      if (at % 300_000 === 0) await writer.handOver();
    }
    await finishSlot(forgetful, writer, manifest, shape);
  } finally {
    await device.close();
  }
}

describe('what was written is read back', () => {
  test('and is the slot', async () => {
    await written();
    expect(readFileSync(path).subarray(0, SLOT.length).equals(SLOT)).toBe(true);
  });

  test.each([
    BLOCK_BYTES,
    100_000,
    102_400,
    262_143,
    262_144,
    shape.data_bytes - 1,
    shape.data_bytes,
    shape.data_bytes + BLOCK_BYTES + 5,
    SLOT.length - 1,
  ])('and where byte %i comes back otherwise there is no slot', async (at) => {
    await expect(written(at)).rejects.toMatchObject({ code: 'UPDATE_READ_BACK_DIFFERS' });
    expect(footerOffset(readFileSync(path).subarray(0, 512))).toBeUndefined();
  });

  test('the first block last of all', async () => {
    await expect(written(7)).rejects.toMatchObject({ code: 'UPDATE_READ_BACK_DIFFERS' });
  });
});
