import { closeSync, openSync } from 'node:fs';
import { BulkheadError } from '../../base/errors.ts';
import { lockFile } from '../../base/file-lock.ts';
import { DISK_LOCK_PATIENCE_S } from './limits.ts';

/**
 * Locks a whole disk against udev, as https://systemd.io/BLOCK_DEVICE_LOCKING asks of whoever partitions one. Without it udev reads
 * the partition table anew whenever somebody who wrote to the disk closes it: all partitions are taken away and put back, and
 * who opens one at that moment finds nothing. Who only has a partition open for writing is not concerned.
 *
 * @returns releases the lock; so does the end of this process, however it comes
 * @throws BulkheadError INSTALL_DISK_BUSY
 */
export function lockDisk(path: string): () => void {
  // For reading: closing it is then no event of its own.
  const file = openSync(path, 'r');
  try {
    if (lockFile(file, DISK_LOCK_PATIENCE_S)) return () => closeSync(file);
  } catch (cause) {
    closeSync(file);
    throw new BulkheadError('INSTALL_DISK_BUSY', `${path} cannot be locked`, { cause });
  }
  closeSync(file);
  throw new BulkheadError('INSTALL_DISK_BUSY', `${path} is locked by another program`, {
    hint: 'is another installation or a partitioning program at work?',
  });
}
