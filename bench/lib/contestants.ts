import { BulkheadError } from '../../base/errors.ts';
import { parseEnvBlock, serialiseEnvBlock } from '../../partitions/env-block.ts';
import { ESP_LABEL } from '../../partitions/layout-names.ts';
import type { Status } from '../../status-page/status.ts';
import { readFatFile, writeFatFile } from '../../test/qemu/harness/disk-content.ts';
import type { Machine } from '../../test/qemu/harness/machine.ts';
import type { DiskFile } from '../../test/qemu/harness/options.ts';

/** What differs between the two sides: where they say that they are done, and where they say how much memory they use. */

/** The gate's verdict on the console. */
export const APPLIANCE_SETTLED = /\]: (healthy|unhealthy)[,:]/;
/** The last line that cloud-init writes. */
export const PEER_SETTLED = /Cloud-init v\. \S+ (finished) at/;

export interface MemoryUse {
  /** MemTotal - MemAvailable of /proc/meminfo. */
  used_bytes: number;
  total_bytes: number;
}

export async function applianceMemory(machine: Machine): Promise<MemoryUse & { agent_bytes: number }> {
  const answer = await machine.http(80).get('/api/v1/status');
  const { used_bytes, total_bytes, agent_bytes } = (answer.json() as Status).system.memory;
  return { used_bytes, total_bytes, agent_bytes };
}

export async function peerMemory(machine: Machine): Promise<MemoryUse> {
  const { body } = await machine.http(80).get('/meminfo');
  return parseMeminfo(body);
}

/** @param text /proc/meminfo; see proc_meminfo(5), its kB are KiB */
export function parseMeminfo(text: string): MemoryUse {
  const field = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1]) * 1024;
  const total_bytes = field('MemTotal');
  return { total_bytes, used_bytes: total_bytes - field('MemAvailable') };
}

/** Adds words to the kernel's command line of an installed disk, the way a technician does. */
export async function addKernelArguments(disk: DiskFile, words: string): Promise<void> {
  const path = '/bulkhead/layout.env';
  const block = await readFatFile(disk, ESP_LABEL, path);
  const values = block && parseEnvBlock(block);
  if (!block || !values) {
    throw new BulkheadError('BENCH_NO_LAYOUT', `${path} on the ESP of ${disk.path} is no environment block`);
  }
  const changed = serialiseEnvBlock({ ...values, extra_args: words }, block.length);
  await writeFatFile(disk, ESP_LABEL, path, changed);
}
