import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import { partitionNames, readText } from '../../partitions/disks.ts';
import { PARTITION_ROLES } from '../../partitions/layout.ts';
import { renderSfdiskScript } from '../../partitions/layout-sfdisk.ts';
import { type InstallEffects, sleep, tool, tryTool } from './effects.ts';
import { type InstallJob, partitionNode } from './job.ts';
import { NODES_POLL_MS, NODES_TIMEOUT_MS } from './limits.ts';

/** sysfs counts in these units whatever the sector size. */
const SYSFS_SECTOR_BYTES = 512;

/**
 * Writes the partition table and waits until the kernel shows exactly these partitions.
 *
 * sfdisk neither looks for old signatures (they were zeroed; probing took 23 minutes on one disk in the field) nor tells
 * the kernel itself: it would refuse when udev happens to look at the disk at that moment. Telling is repeated here.
 *
 * @throws BulkheadError INSTALL_DISK_BUSY, INSTALL_NODES_MISSING, COMMAND_FAILED
 */
export async function writePartitionTable(job: InstallJob, effects: InstallEffects): Promise<void> {
  await dropOldPartitions(job, effects);
  await tool(
    effects,
    'sfdisk',
    ['--quiet', '--no-reread', '--no-tell-kernel', '--wipe', 'never', '--wipe-partitions', 'never', job.path],
    { input: renderSfdiskScript(job.layout, job.ids) },
  );
  await awaitKernel(
    effects,
    () => missingPartition(job, effects) === undefined,
    ['partx', '--update', job.path],
    () => {
      throw new BulkheadError(
        'INSTALL_NODES_MISSING',
        `the partitions were written, but the kernel does not show ${missingPartition(job, effects)}`,
      );
    },
  );
}

/** After the wipe the kernel still knows the partitions that were there before. */
async function dropOldPartitions(job: InstallJob, effects: InstallEffects): Promise<void> {
  const folder = join(effects.kernel.sys, 'block', job.target.name);
  const remaining = () => partitionNames(folder, job.target.name);
  await awaitKernel(
    effects,
    () => remaining().length === 0,
    ['partx', '--delete', job.path],
    () => {
      throw new BulkheadError(
        'INSTALL_DISK_BUSY',
        `the kernel does not let go of ${remaining().join(', ')}: something uses it`,
        { hint: 'start the machine again from the stick; on a workstation unmount the disk first' },
      );
    },
  );
}

/** Asks the kernel again and again: udev holds a new partition open for a moment, and then it is busy. */
async function awaitKernel(
  effects: InstallEffects,
  reached: () => boolean,
  [program, ...args]: [string, ...string[]],
  late: () => never,
): Promise<void> {
  const end_ms = effects.clock_ms() + NODES_TIMEOUT_MS;
  while (!reached()) {
    if (effects.clock_ms() > end_ms) late();
    // Its exit status says little (busy, already there); what the kernel shows decides.
    await tryTool(effects, program, args);
    if (!reached()) await sleep(NODES_POLL_MS);
  }
}

/** The first partition that the kernel shows not at all or with another place or size. */
function missingPartition(job: InstallJob, effects: InstallEffects): string | undefined {
  return PARTITION_ROLES.map((role) => ({
    node: partitionNode(job, role),
    planned: job.layout.partitions[role],
  })).find(({ node, planned }) => {
    const folder = join(effects.kernel.sys, 'block', job.target.name, node.slice('/dev/'.length));
    return (
      readText(join(folder, 'start')) !== String(planned.start_bytes / SYSFS_SECTOR_BYTES) ||
      readText(join(folder, 'size')) !== String(planned.size_bytes / SYSFS_SECTOR_BYTES) ||
      !existsSync(node)
    );
  })?.node;
}
