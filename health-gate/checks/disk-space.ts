import { statfs } from 'node:fs/promises';
import { formatBytes } from '../../base/text.ts';
import { type Check, failed, passed, skipped } from '../check.ts';
import { CHECK_TIMEOUT_MS, DATA_FREE_MIN_BYTES, DATA_FREE_MIN_INODES } from '../limits.ts';

/** The data partition has room for what the services write, for ordinary users: root's reserve does not count. */
export const diskSpace: Check = {
  name: 'disk-space',
  decisive: true,
  timeout_ms: () => CHECK_TIMEOUT_MS,
  async find(context) {
    if (context.live) return skipped('a live boot has no data partition');
    const { dataMount } = context.paths;
    const { bavail, bsize, ffree } = await statfs(dataMount);
    const free_bytes = bavail * bsize;
    if (free_bytes < DATA_FREE_MIN_BYTES) {
      return failed(
        `${formatBytes(free_bytes)} free at ${dataMount}, at least ${formatBytes(DATA_FREE_MIN_BYTES)} are needed`,
      );
    }
    if (ffree < DATA_FREE_MIN_INODES) {
      return failed(`room for ${ffree} files at ${dataMount}, at least ${DATA_FREE_MIN_INODES} are needed`);
    }
    return passed(`${formatBytes(free_bytes)} free at ${dataMount}`);
  },
};
