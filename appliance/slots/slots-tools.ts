import { BulkheadError } from '../../base/errors.ts';
import { HEALTH_FILE, INITRD_REPORT_FILE, MACHINE_FACTS_FILE, UPDATE_LOCK_FILE } from '../../base/paths.ts';
import { type Run, run } from '../../base/run.ts';
import { type BootPaths, type BootReading, readBoot } from '../../health-gate/boot-reading.ts';
import { MIRROR_PATHS, type MirrorPaths } from '../../partitions/boot-state-mirrors.ts';
import { ESP_MOUNT } from '../../partitions/layout-names.ts';
import type { Slot } from '../../partitions/slot.ts';
import { LOCK_PATIENCE_S } from './limits.ts';

/** What `bulkhead slots` needs from outside; a test hands in a folder that looks like an appliance. */
export interface SlotsTools {
  paths: BootPaths & {
    machineFactsFile: string;
    healthFile: string;
    mirrors: MirrorPaths;
    espMount: string;
    /** Held by whoever changes slots or boot state. */
    updateLockFile: string;
  };
  /** How long a change of slots waits for another one, in whole seconds. */
  lockPatience_s: number;
  isRoot: () => boolean;
  now: () => Date;
  run: Run;
}

export const APPLIANCE_TOOLS: SlotsTools = {
  paths: {
    procFolder: '/proc',
    sysFolder: '/sys',
    initrdReportFile: INITRD_REPORT_FILE,
    machineFactsFile: MACHINE_FACTS_FILE,
    healthFile: HEALTH_FILE,
    mirrors: MIRROR_PATHS,
    espMount: ESP_MOUNT,
    updateLockFile: UPDATE_LOCK_FILE,
  },
  lockPatience_s: LOCK_PATIENCE_S,
  isRoot: () => process.getuid?.() === 0,
  now: () => new Date(),
  run,
};

/** An installed appliance that runs from one of its slots, seen by root: where slots may be changed. */
export interface Installed {
  reading: BootReading;
  running: Slot;
  espDevice: string;
}

/** @throws BulkheadError SLOTS_NOT_AN_APPLIANCE */
export async function readApplianceBoot(tools: SlotsTools): Promise<BootReading> {
  try {
    return await readBoot(tools.paths);
  } catch (cause) {
    throw new BulkheadError('SLOTS_NOT_AN_APPLIANCE', 'this machine has no slots', {
      cause,
      hint: 'run this on an appliance; on another machine there is nothing to show or change',
    });
  }
}

/** @throws BulkheadError SLOTS_NOT_AN_APPLIANCE, SLOTS_NEED_ROOT, SLOTS_LIVE, SLOTS_UNKNOWN */
export async function requireInstalled(tools: SlotsTools, command: string): Promise<Installed> {
  const reading = await readApplianceBoot(tools);
  if (!tools.isRoot()) {
    throw new BulkheadError('SLOTS_NEED_ROOT', 'only root may change which slot boots', {
      hint: `sudo bulkhead ${command}`,
    });
  }
  if (reading.live) {
    throw new BulkheadError('SLOTS_LIVE', 'this is the installation medium; it has no slots', {
      hint: 'start the appliance from its own disk',
    });
  }
  const { slot } = reading.slot;
  const { esp } = reading.initrd;
  if (slot === null || esp === null) {
    const unknown = slot === null ? 'which slot runs' : 'where the ESP is';
    throw new BulkheadError('SLOTS_UNKNOWN', `it is not known ${unknown}, so nothing is changed`, {
      hint: "'bulkhead slots' shows what is known",
    });
  }
  return { reading, running: slot, espDevice: esp };
}
