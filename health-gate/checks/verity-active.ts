import { readFile } from 'node:fs/promises';
import { runOrThrow } from '../../base/run.ts';
import { type Check, failed, passed, skipped } from '../check.ts';
import { CHECK_TIMEOUT_MS } from '../limits.ts';
import { findMount } from '../mount-table.ts';

/** `bulkhead.verity=ROOTHASH:BLOCKS:SALT`, as GRUB copies it from the slot's footer. */
const VERITY_PARAMETER = /(?:^|\s)bulkhead\.verity=([0-9a-f]{64}):\d+:[0-9a-f]+(?:\s|$)/;

/**
 * The root is read through dm-verity with the root hash that the boot loader handed over. The hash on the command
 * line alone proves nothing: an initrd that ignores it boots just as well.
 */
export const verityActive: Check = {
  name: 'verity-active',
  decisive: true,
  timeout_ms: () => CHECK_TIMEOUT_MS,
  async find(context) {
    if (context.live) return skipped('a live boot runs from its medium');
    const expected = VERITY_PARAMETER.exec(context.kernelCommandLine)?.[1];
    if (expected === undefined) return failed('the kernel command line names no verity root hash');
    const { procFolder, sysFolder } = context.paths;
    const root = await findMount(procFolder, '/');
    if (root === undefined) return failed('no root file system is mounted');
    if (!root.readOnly) return failed(`the root file system on ${root.source} is writable`);
    const name = await readFile(`${sysFolder}/dev/block/${root.device}/dm/name`, 'utf8').catch(
      () => undefined,
    );
    if (name === undefined)
      return failed(`the root ${root.source} (${root.device}) is no device-mapper device`);

    const device = name.trim();
    const options = { timeout_ms: CHECK_TIMEOUT_MS };
    const table = await runOrThrow(context.run, 'dmsetup', ['table', device], options);
    const actual = verityRootHash(table);
    if (actual === undefined) return failed(`the root device '${device}' is not dm-verity: ${table.trim()}`);
    if (actual !== expected)
      return failed(`the root hash is ${actual}, the boot loader asked for ${expected}`);
    const status = await runOrThrow(context.run, 'dmsetup', ['status', device], options);
    if (!/\bverity V\b/.test(status)) return failed(`dm-verity has met damaged blocks: ${status.trim()}`);
    return passed(`root hash ${expected.slice(0, 16)}… is enforced`);
  },
};

/**
 * The root hash in a line of `dmsetup table`:
 * `start length verity version data_dev hash_dev data_block hash_block blocks hash_start algorithm digest salt …`
 * (Documentation/admin-guide/device-mapper/verity.rst). Undefined for any other target.
 */
export function verityRootHash(table: string): string | undefined {
  const lines = table.trim().split('\n');
  const fields = lines[0]?.split(' ') ?? [];
  if (lines.length !== 1 || fields[2] !== 'verity') return undefined;
  return fields[11];
}
