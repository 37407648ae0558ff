import { readFile } from 'node:fs/promises';
import { formatBytes } from '../../base/text.ts';
import { type Check, failed, passed } from '../check.ts';
import { CHECK_TIMEOUT_MS, MEMORY_AVAILABLE_MIN_BYTES } from '../limits.ts';

/** Memory that programs could still get without swapping: the kernel's own estimate (proc_meminfo(5)). */
export const memory: Check = {
  name: 'memory',
  decisive: true,
  timeout_ms: () => CHECK_TIMEOUT_MS,
  async find(context) {
    const text = await readFile(`${context.paths.procFolder}/meminfo`, 'utf8');
    const available = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
    if (available === undefined) return failed('the kernel does not say how much memory is available');
    const available_bytes = Number(available) * 1024;
    return available_bytes < MEMORY_AVAILABLE_MIN_BYTES
      ? failed(
          `${formatBytes(available_bytes)} of memory available, at least ${formatBytes(MEMORY_AVAILABLE_MIN_BYTES)} are needed`,
        )
      : passed(`${formatBytes(available_bytes)} of memory available`);
  },
};
