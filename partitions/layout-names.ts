import disk from './layout.json' with { type: 'json' };
import type { Slot } from './slot.ts';

/**
 * The four partitions and where they appear. These names are the only way partitions are found:
 * device names and numbers move when a stick is plugged in. They lie in layout.json, which Nix reads as well.
 */
export const ESP_LABEL = disk.esp.label;
export const DATA_LABEL = disk.data.label;
export const SLOT_LABELS: Readonly<Record<Slot, string>> = { A: disk.A.label, B: disk.B.label };

/** Where the ESP is mounted, always read-only. */
export const ESP_MOUNT = disk.esp.mount;
/** The boot state's file name on the ESP; 512 bytes, preallocated, overwritten in place. */
export const BOOT_STATE_FILE = disk.boot_state_file;
/** Where the data partition is mounted. */
export const DATA_MOUNT = disk.data.mount;
