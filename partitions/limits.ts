/** Limits of the parts under `partitions`, each with its reason. The GRUB script repeats the first three as literals. */

/** Boots a slot gets before another is taken: one may be a power cut, two bad luck, three are a pattern. */
export const BOOT_ATTEMPTS_MAX = 3;

/** Places of the rescue ring: 4 = the active slot was started in rescue, 5 = the other one was. */
export const RESCUE_ACTIVE_ATTEMPT = 4;
export const RESCUE_OTHER_ATTEMPT = 5;

/** One sector: the largest thing a disk writes whole or not at all, and what GRUB's save_env then writes at once. */
export const BOOT_STATE_BYTES = 512;

/**
 * The largest logical block of a disk the ESP may lie on. Such a disk takes no 512-byte write, so the block around
 * the boot state is read, changed and written.
 */
export const LARGE_BLOCK_BYTES = 4096;

/** Clusters followed in the root directory of an ESP: 64 × 512 bytes hold 1024 names; more is a loop or not our ESP. */
export const FAT_DIRECTORY_CLUSTERS_MAX = 64;

/** Largest cluster FAT knows (128 sectors of 512 bytes), 256 KiB by an extension; anything above is a damaged volume. */
export const FAT_CLUSTER_MAX_BYTES = 256 * 1024;

/** Remounting a clean 256 MiB FAT takes milliseconds; a dying disk must not hold up the health gate. */
export const REMOUNT_TIMEOUT_MS = 10_000;
