import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BulkheadError } from '../../base/errors.ts';
import { FLUSH_EVERY_MS } from '../limits.ts';
import { manifestOfSlot } from '../testing/manifest-of-slot.ts';
import { makeSyntheticSlot } from '../testing/synthetic-slot.ts';
import { Checkpoints } from './checkpoints.ts';
import { openSlotDevice, type SlotDevice } from './slot-device.ts';
import { slotShape } from './slot-shape.ts';
import { SlotWriter } from './slot-writer.ts';
import { readTransfer, TransferJournal } from './transfer-journal.ts';

const SLOT = makeSyntheticSlot({ blocks: 300, seed: 3, version: '2.0.0' });
const manifest = manifestOfSlot(SLOT);
const shape = slotShape(manifest);
const STEP_BYTES = 100_000;

let folder: string;
let device: SlotDevice;
let journal: TransferJournal;
let now_ms: number;
/** One for each flush of the disk that was begun. */
let flushes: PromiseWithResolvers<void>[];
let writer: SlotWriter;
let checkpoints: Checkpoints;
let marked: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-checkpoints-'));
  const path = join(folder, 'slot');
  const file = openSync(path, 'w');
  ftruncateSync(file, SLOT.length);
  closeSync(file);
  device = await openSlotDevice(path);
  flushes = [];
  const slow: SlotDevice = {
    ...device,
    flush: () => {
      const flush = Promise.withResolvers<void>();
      flushes.push(flush);
      return flush.promise;
    },
  };
  journal = new TransferJournal(journalFile(), shape.data_bytes);
  journal.begin({ format: 1, bundle: 'b'.repeat(64), method: 'full', slot: 'B' });
  writer = new SlotWriter(slow, shape, Buffer.from(manifest.slot.salt, 'hex'));
  now_ms = 0;
  checkpoints = new Checkpoints(slow, writer, journal, () => now_ms);
  marked = 0;
});
afterEach(async () => {
  await checkpoints.end();
  journal.close();
  await device.close();
  rmSync(folder, { recursive: true });
});

const journalFile = () => join(folder, 'transfer.jsonl');
const kept = () => readTransfer(journalFile())?.checkpoints.map(({ pieces }) => pieces) ?? [];

/** Takes the next piece, and waits until it is written down. */
async function take(): Promise<void> {
  await writer.put(SLOT.subarray(marked * STEP_BYTES, (marked + 1) * STEP_BYTES));
  marked += 1;
  await checkpoints.mark(marked);
  await checkpoints.kept();
}

test('what the disk has taken is written down though a flush never ends, and there is one flush at a time', async () => {
  await take();
  expect([kept(), flushes.length]).toEqual([[1], 0]);
  now_ms = FLUSH_EVERY_MS;
  await take();
  now_ms = 10 * FLUSH_EVERY_MS;
  await take();
  expect([kept(), flushes.length]).toEqual([[1, 2, 3], 1]);
  flushes[0]?.resolve();
});

test('it is settled when the disk was flushed after the last byte, not sooner', async () => {
  now_ms = FLUSH_EVERY_MS;
  await take();
  let settled = false;
  const settling = checkpoints.settle().then(() => {
    settled = true;
  });
  flushes[0]?.resolve();
  while (flushes.length < 2) await Bun.sleep(1);
  expect(settled).toBe(false);
  flushes[1]?.resolve();
  await settling;
});

test('a flush that failed beside the transfer fails it in the end', async () => {
  now_ms = FLUSH_EVERY_MS;
  await take();
  flushes[0]?.reject(new BulkheadError('UPDATE_SLOT_IO_FAILED', 'the disk is gone'));
  await take();
  await expect(checkpoints.settle()).rejects.toMatchObject({ code: 'UPDATE_SLOT_IO_FAILED' });
});
