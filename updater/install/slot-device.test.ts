import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alignedBuffer } from '../../base/direct-io.ts';
import { run, runOrThrow } from '../../base/run.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { openSlotDevice } from './slot-device.ts';

const SIZE_BYTES = 4 * 1024 ** 2;
const ROOT = process.getuid?.() === 0;

/** A real block device: what O_EXCL and O_DIRECT do to a plain file says nothing about one. */
describe.runIf(ROOT)('a slot on a block device (needs root)', () => {
  let device: string;
  let mount: string;
  beforeAll(async () => {
    const folder = makeFolder('slot-device');
    const file = join(folder, 'disk');
    writeFileSync(file, '');
    truncateSync(file, SIZE_BYTES);
    mount = makeFolder('slot-mount');
    device = (await runOrThrow(run, 'losetup', ['--find', '--show', file])).trim();
    await runOrThrow(run, 'mkfs.ext4', ['-q', device]);
  });
  afterAll(async () => {
    await runOrThrow(run, 'losetup', ['--detach', device]);
  });

  test('cannot be opened while a file system on it is mounted, not even read-only', async () => {
    await runOrThrow(run, 'mount', ['-o', 'ro', device, mount]);
    try {
      await expect(openSlotDevice(device)).rejects.toMatchObject({ code: 'UPDATE_SLOT_BUSY' });
    } finally {
      await runOrThrow(run, 'umount', [mount]);
    }
    await (await openSlotDevice(device)).close();
  });

  test('cannot be opened twice', async () => {
    const first = await openSlotDevice(device);
    try {
      await expect(openSlotDevice(device)).rejects.toMatchObject({ code: 'UPDATE_SLOT_BUSY' });
    } finally {
      await first.close();
    }
  });

  test('says of every failure of the disk which slot it was', async () => {
    const slot = await openSlotDevice(device);
    await slot.close();
    const block = alignedBuffer(4096);
    for (const io of [() => slot.write(0, block), () => slot.read(0, block), () => slot.flush()])
      await expect(io()).rejects.toMatchObject({
        code: 'UPDATE_SLOT_IO_FAILED',
        message: expect.stringContaining(device),
      });
  });

  test('gives back what was written, and an error behind its end', async () => {
    const slot = await openSlotDevice(device);
    try {
      const block = alignedBuffer(4096).fill(0xa5);
      await slot.write(SIZE_BYTES - 4096, block);
      await slot.flush();
      const back = alignedBuffer(4096);
      await slot.read(SIZE_BYTES - 4096, back);
      expect(Buffer.from(back).equals(Buffer.from(block))).toBe(true);
      await expect(slot.read(SIZE_BYTES, back)).rejects.toMatchObject({ code: 'UPDATE_SLOT_READ_SHORT' });
    } finally {
      await slot.close();
    }
  });
});

test('a slot that is not there is said to be unwritable', async () => {
  await expect(openSlotDevice(join(makeFolder('no-slot'), 'none'))).rejects.toMatchObject({
    code: 'UPDATE_SLOT_UNWRITABLE',
  });
});
