import disk from './layout.json' with { type: 'json' };

/** Limits of the disk layout, each with its reason. Relations between them are asserted in layout.test.ts. */

export const MIB_BYTES = 1024 * 1024;
const GIB_BYTES = 1024 * MIB_BYTES;

/** Every partition starts and ends on this boundary: a multiple of every erase block and RAID stripe seen in the field. */
export const PARTITION_ALIGN_BYTES = MIB_BYTES;

/** What stays free in front (protective MBR, GPT) and behind (backup GPT): one alignment unit each. */
export const TABLE_RESERVE_BYTES = PARTITION_ALIGN_BYTES;

/** Boot loader, its script and the boot state need 2 MiB; 256 MiB leave room for whatever firmware capsules come. */
export const ESP_BYTES = disk.esp.mib * MIB_BYTES;

/**
 * FAT32 wants 65,525 clusters, and with 4096-byte sectors a cluster cannot be smaller than 4096 bytes: 256 MiB would hold
 * too few and read as FAT16 to firmware that counts. 260 MiB is also what Microsoft names for such disks.
 */
export const ESP_LARGE_SECTOR_BYTES = 260 * MIB_BYTES;

/** What one slot gets where the disk allows: both the same, or an update would not fit back. */
export const SLOT_TARGET_BYTES = disk.A.mib * MIB_BYTES;

/** No image may find its slot too small a few releases later (a field report: two 2 GiB slots that no image fitted any more). */
export const SLOT_MIN_BYTES = GIB_BYTES;

/** A slot holds at least this many times the image that is installed now, for the same reason. */
export const SLOT_GROWTH_FACTOR = 2;

/** Below this the journal, the outbox and one database do not fit side by side. */
export const DATA_MIN_BYTES = GIB_BYTES;

/** Both slots together may take this share of what is left beside the ESP (in eighths: three for each slot, two for data). */
export const SLOT_SHARE_EIGHTHS = 3;

/** Sector sizes that disks have. */
export const SECTOR_SIZES_BYTES: readonly number[] = [512, 4096];
