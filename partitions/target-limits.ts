/** Smaller disks are sticks and boot modules, and leave no room for two slots that can grow and a data partition. */
export const TARGET_MIN_BYTES = 8_000_000_000;
