import { chmodSync, closeSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { VERSION } from '../../base/version.ts';
import {
  BLOCK_BYTES,
  bootFileRuns,
  FOOTER_BYTES,
  footerOffset,
  SECTOR_BYTES,
} from '../../partitions/slot-blob.ts';
import { BUILD, SLOT_FILE } from './fixtures/image.ts';
import { buildVariant, removeVariants } from './fixtures/variants.ts';
import { corruptByte, writePartition } from './harness/disk-content.ts';
import { diskOnTrial, expectGivenUp, expectRolledBack, startTrial } from './slot-on-trial.ts';

/** Damage that shows before systemd runs: GRUB's digests, dm-verity, the first program. */

/** No release will ever be called that. */
const VARIANT = '0.0.1';
const INIT = 'usr/lib/systemd/systemd';
/** From reset to the panic takes 15 s here; several times that on a busy machine. */
const PANIC_TIMEOUT_MS = 3 * 60_000;

/** A trial whose last attempt is used up by a panic. */
const AFTER_LAST_ATTEMPT = ['B3 trial trial', 'A1 normal trial-used-up'];

afterAll(removeVariants);

test('a slot on trial without its kernel is given up at once', async () => {
  const disk = await diskOnTrial('no-kernel', SLOT_FILE, 0);
  const { start, count } = bootRuns().kernel;
  await writePartition(disk, 'root-b', start * SECTOR_BYTES, new Uint8Array(count * SECTOR_BYTES));
  const appliance = await startTrial('no-kernel', disk);
  await expectRolledBack(appliance, disk, ['A1 normal trial-not-whole']);
});

test('a slot on trial with garbage for an initrd is given up at once', async () => {
  const disk = await diskOnTrial('garbage-initrd', SLOT_FILE, 0);
  const { start, count } = bootRuns().initrd;
  const garbage = new Uint8Array(count * SECTOR_BYTES).map((_, index) => (index * 167 + 13) & 0xff);
  await writePartition(disk, 'root-b', start * SECTOR_BYTES, garbage);
  const appliance = await startTrial('garbage-initrd', disk);
  await expectGivenUp(appliance, disk, ['A1 normal trial-not-whole']);
});

test('one flipped byte in the root of a slot on trial is a panic and costs an attempt', async () => {
  const disk = await diskOnTrial('flipped', SLOT_FILE, 2);
  await corruptByte(disk, 'root-b', offsetInSlot(INIT) + 100);
  const appliance = await startTrial('flipped', disk);
  await appliance.machine.waitForSerial(
    'Kernel panic - not syncing: dm-verity device corrupted',
    PANIC_TIMEOUT_MS,
  );
  await expectGivenUp(appliance, disk, AFTER_LAST_ATTEMPT);
});

test('a slot on trial without an init is a panic and costs an attempt', async () => {
  const { file } = await buildVariant('no-init', VARIANT, (tree) => rmSync(join(tree, INIT)));
  const disk = await diskOnTrial('no-init', file, 2);
  const appliance = await startTrial('no-init', disk);
  await appliance.machine.waitForSerial('Kernel panic - not syncing', PANIC_TIMEOUT_MS);
  await expectGivenUp(appliance, disk, AFTER_LAST_ATTEMPT);
});

test('a slot on trial that panics gets three attempts and no fourth', async () => {
  const { file } = await buildVariant('panic', VARIANT, (tree) => {
    const init = join(tree, INIT);
    writeFileSync(init, '#!/bin/sh\nmount -t proc proc /proc\necho c >/proc/sysrq-trigger\n');
    chmodSync(init, 0o755);
  });
  const disk = await diskOnTrial('panic', file, 0);
  const appliance = await startTrial('panic', disk);
  for (const _attempt of [1, 2, 3]) {
    await appliance.machine.waitForSerial('Kernel panic - not syncing: sysrq', PANIC_TIMEOUT_MS);
  }
  const { slots } = await expectRolledBack(appliance, disk, [
    'B1 trial trial',
    'B2 trial trial',
    'B3 trial trial',
    'A1 normal trial-used-up',
  ]);
  expect(slots.map(({ version }) => version)).toEqual([VERSION, VARIANT]);
});

/** Where kernel and initrd lie in the slot blob under test. */
function bootRuns() {
  const footer_bytes = footerOffset(readSlot(0, SECTOR_BYTES));
  const runs = footer_bytes === undefined ? undefined : bootFileRuns(readSlot(footer_bytes, FOOTER_BYTES));
  if (!runs) throw new Error(`${SLOT_FILE} has no footer`);
  return runs;
}

/** Where a file of the root tree begins in the slot blob: files lie uncompressed on blocks of their own. */
function offsetInSlot(path: string): number {
  const head = readFileSync(join(BUILD, 'work/tree', path)).subarray(0, BLOCK_BYTES);
  const slot = readFileSync(SLOT_FILE);
  for (let offset = slot.indexOf(head); offset >= 0; offset = slot.indexOf(head, offset + 1)) {
    if (offset % BLOCK_BYTES === 0) return offset;
  }
  throw new Error(`${path} of build/work/tree is not in ${SLOT_FILE}: they are of different builds`);
}

function readSlot(offset_bytes: number, size_bytes: number): Uint8Array {
  const bytes = new Uint8Array(size_bytes);
  const file = openSync(SLOT_FILE, 'r');
  try {
    readSync(file, bytes, 0, size_bytes, offset_bytes);
  } finally {
    closeSync(file);
  }
  return bytes;
}
