import type { Slot } from './slot.ts';

/**
 * The four partitions and where they appear. These names are the only way partitions are found:
 * device names and numbers move when a stick is plugged in.
 */
export const ESP_LABEL = 'ESP';
export const DATA_LABEL = 'MSP-DATA';
export const SLOT_LABELS: Readonly<Record<Slot, string>> = { A: 'root-a', B: 'root-b' };

/** Where the ESP is mounted, always read-only. */
export const ESP_MOUNT = '/boot';
/** The boot state's file name on the ESP; 512 bytes, preallocated, overwritten in place. */
export const BOOT_STATE_FILE = 'ab_state';
/** Where the data partition is mounted. */
export const DATA_MOUNT = '/var/lib/msp';
