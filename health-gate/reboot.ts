import { writeFile } from 'node:fs/promises';
import { describeError } from '../base/errors.ts';
import type { Run } from '../base/run.ts';
import { REBOOT_COMMAND_TIMEOUT_MS, REBOOT_FORCED_MS, REBOOT_ORDERLY_MS, SYSRQ_PAUSE_MS } from './limits.ts';

/** What a reboot is made with. */
export interface RebootMeans {
  run: Run;
  sleep(duration_ms: number): Promise<void>;
  /** `/proc/sys/kernel/sysrq`: which keys are allowed. */
  sysrqMaskFile: string;
  /** `/proc/sysrq-trigger` */
  sysrqTriggerFile: string;
  /** Tells the log what is tried next. */
  log(line: string): void;
}

/**
 * Reboots, whatever state the system is in: first in good order, then by force, then without systemd, last by the
 * kernel alone. A failed gate that does not end in a reboot leaves a box that neither works nor falls back.
 *
 * Returns only if even the kernel's own restart was refused. In the ordinary case systemd stops this process within
 * seconds of the first step; being stopped means that systemd is alive and at work, and its own RebootWatchdogSec
 * takes over.
 */
export async function rebootForSure(means: RebootMeans): Promise<void> {
  const steps: { what: string; args: string[]; wait_ms: number }[] = [
    { what: 'an orderly reboot', args: ['reboot', '--no-block'], wait_ms: REBOOT_ORDERLY_MS },
    { what: 'a forced reboot', args: ['reboot', '--force', '--no-block'], wait_ms: REBOOT_FORCED_MS },
  ];
  for (const { what, args, wait_ms } of steps) {
    means.log(`asking systemd for ${what}`);
    try {
      const { code, stderr } = await means.run('systemctl', args, { timeout_ms: REBOOT_COMMAND_TIMEOUT_MS });
      if (code === 0) await means.sleep(wait_ms);
      else means.log(`systemctl ended with ${code}: ${stderr.trim()}`);
    } catch (error) {
      means.log(describeError(error));
    }
  }
  await rebootByKernel(means);
}

/** Sync, remount read-only, restart (Documentation/admin-guide/sysrq.rst). Each is one letter and cannot block us. */
async function rebootByKernel(means: RebootMeans): Promise<void> {
  means.log('still running: the kernel restarts now');
  const press = async (path: string, text: string) => {
    try {
      await writeFile(path, text);
    } catch (error) {
      means.log(describeError(error));
    }
  };
  await press(means.sysrqMaskFile, '1');
  for (const key of ['s', 'u']) {
    await press(means.sysrqTriggerFile, key);
    await means.sleep(SYSRQ_PAUSE_MS);
  }
  await press(means.sysrqTriggerFile, 'b');
}
