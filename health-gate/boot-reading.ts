import { readFile } from 'node:fs/promises';
import { BulkheadError } from '../base/errors.ts';
import { type BootStateReading, readBootStateFromDevice } from '../partitions/boot-state-store.ts';
import { type InitrdReport, readInitrdReport } from '../partitions/initrd-report.ts';
import {
  type BootCommandLine,
  detectSlot,
  parseBootCommandLine,
  type SlotDetection,
} from '../partitions/slot-detection.ts';
import { findMountedSlot } from './mounted-slot.ts';
import type { BootFacts } from './verdict.ts';

/** Where this boot is read from. */
export interface BootPaths {
  procFolder: string;
  sysFolder: string;
  initrdReportFile: string;
}

/** How this boot came about, as far as the machine says so. */
export interface BootReading {
  bootId: string;
  kernelCommandLine: string;
  commandLine: BootCommandLine;
  initrd: InitrdReport;
  bootState: BootStateReading;
  slot: SlotDetection;
  live: boolean;
}

/**
 * @throws BulkheadError GATE_NOT_AN_APPLIANCE where no boot loader of ours started this machine: on a workstation
 *         nothing may be judged, and above all nothing may be rebooted
 */
export async function readBoot(paths: BootPaths): Promise<BootReading> {
  const kernelCommandLine = (await readFile(`${paths.procFolder}/cmdline`, 'utf8')).trim();
  if (!/(^|\s)(ab|bulkhead)\./.test(kernelCommandLine)) {
    throw new BulkheadError(
      'GATE_NOT_AN_APPLIANCE',
      'this machine was not started by the Bulkhead boot loader',
      {
        hint: 'the health gate judges a boot of the appliance; nothing was checked and nothing was changed',
      },
    );
  }
  const initrd = readInitrdReport(paths.initrdReportFile);
  const bootState = readState(initrd.esp);
  const mountedSlot = await findMountedSlot(paths, initrd.slots);
  return {
    bootId: (await readFile(`${paths.procFolder}/sys/kernel/random/boot_id`, 'utf8')).trim(),
    kernelCommandLine,
    commandLine: parseBootCommandLine(kernelCommandLine),
    initrd,
    bootState,
    slot: detectSlot({ commandLine: kernelCommandLine, bootState: bootState.state, mountedSlot }),
    live: /(^|\s)bulkhead\.live=1(\s|$)/.test(kernelCommandLine),
  };
}

/** The part of a reading that the verdict depends on. A boot loader that names no mode made an everyday boot. */
export function bootFacts(reading: BootReading): BootFacts {
  return {
    mode: reading.commandLine.mode ?? 'normal',
    live: reading.live,
    slot: reading.slot.slot,
    attempt: reading.commandLine.attempt,
    failedSlot: reading.bootState.state?.failed ?? null,
  };
}

/** Straight from the device that the initrd found: what boots, whatever is mounted at /boot. */
export function readState(espDevice: string | null): BootStateReading {
  if (espDevice === null) return { state: null, condition: 'unreadable' };
  try {
    return readBootStateFromDevice(espDevice);
  } catch {
    // No FAT volume, or the device gives errors: a condition of its own, and a failing check that names it.
    return { state: null, condition: 'unreadable' };
  }
}
