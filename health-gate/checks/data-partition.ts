import { constants } from 'node:fs';
import { mkdir, open, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { alignedBuffer } from '../../base/direct-io.ts';
import { DATA_LABEL } from '../../partitions/layout-names.ts';
import { type Check, type CheckContext, failed, passed, skipped } from '../check.ts';
import { CHECK_TIMEOUT_MS, DATA_PROBE_BYTES } from '../limits.ts';
import { deviceNumber, findMount } from '../mount-table.ts';

/** O_DIRECT of Linux x86-64 (asm-generic/fcntl.h). */
const O_DIRECT = constants.O_DIRECT ?? 0o40000;

/**
 * The data partition is the one the initrd found, is mounted where everybody looks, and keeps what it is given.
 *
 * A tmpfs at the same place would take every write and lose identity and journal at the next boot, without anybody
 * noticing; therefore the device is compared, not the path. All file calls are the asynchronous ones: a dead disk
 * hangs in the kernel, and the deadline must still fire.
 */
export const dataPartition: Check = {
  name: 'data-partition',
  decisive: true,
  timeout_ms: () => CHECK_TIMEOUT_MS,
  async find(context) {
    if (context.live) return skipped('a live boot has no data partition');
    const { dataMount } = context.paths;
    const problem = await findProblem(context);
    if (problem !== undefined) return failed(problem);
    await probe(context.paths.dataProbeFolder);
    return passed(`${context.initrd.data} is mounted at ${dataMount} and keeps what is written`);
  },
};

async function findProblem(context: CheckContext): Promise<string | undefined> {
  const { data, dataState, dataMessage } = context.initrd;
  const { dataMount, procFolder } = context.paths;
  if (dataState !== 'ok' || data === null) {
    return `the initrd found the data partition ${dataState}${dataMessage ? `: ${dataMessage}` : ''}`;
  }
  const mount = await findMount(procFolder, dataMount);
  if (mount === undefined) return `nothing is mounted at ${dataMount}`;
  const expected = deviceNumber((await stat(data, { bigint: true })).rdev);
  if (mount.device !== expected) {
    return `${mount.source} (${mount.device}) is mounted at ${dataMount}, not ${data} (${expected})`;
  }
  if (mount.fileSystem !== 'ext4') return `${data} holds ${mount.fileSystem}, not ext4`;
  if (mount.readOnly) return `${data} is mounted read-only`;
  const label = await readExt4Label(data);
  if (label !== DATA_LABEL) return `${data} is labelled '${label}', not '${DATA_LABEL}'`;
  return undefined;
}

/**
 * The volume name in the ext4 superblock: 16 bytes at 0x78 of the superblock at byte 1024, whose magic number
 * 0xEF53 stands at 0x38 (Documentation/filesystems/ext4/super.rst).
 */
async function readExt4Label(device: string): Promise<string> {
  const file = await open(device, 'r');
  try {
    const superblock = new Uint8Array(1024);
    const { bytesRead } = await file.read(superblock, 0, superblock.length, 1024);
    const magic = (superblock[0x38] ?? 0) | ((superblock[0x39] ?? 0) << 8);
    if (bytesRead !== superblock.length || magic !== 0xef53) return '';
    return new TextDecoder().decode(superblock.subarray(0x78, 0x88)).replace(/\0.*$/s, '');
  } finally {
    await file.close();
  }
}

/** Writes random bytes, waits for the disk, and reads them back past the cache. */
async function probe(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `.probe-${process.pid}`);
  const written = alignedBuffer(DATA_PROBE_BYTES);
  crypto.getRandomValues(written);
  try {
    const out = await open(path, 'w', 0o600);
    try {
      const { bytesWritten } = await out.write(written, 0, written.length, 0);
      if (bytesWritten !== written.length) throw new Error(`only ${bytesWritten} bytes could be written`);
      await out.sync();
    } finally {
      await out.close();
    }
    const back = alignedBuffer(DATA_PROBE_BYTES);
    const again = await open(path, constants.O_RDONLY | O_DIRECT);
    try {
      const { bytesRead } = await again.read(back, 0, back.length, 0);
      if (bytesRead !== written.length || !Buffer.from(back).equals(written)) {
        throw new Error(`what was written to ${path} came back different`);
      }
    } finally {
      await again.close();
    }
  } finally {
    await unlink(path).catch(() => {
      // Never created, or the disk is gone: the error above says so already, and the name is reused next time.
    });
  }
}
