/** Limits of the installer, each with its reason. */

const MIB_BYTES = 1024 * 1024;

/** One transfer: large enough for the full speed of NVMe and eMMC, small enough that four of them fit any memory. */
export const COPY_CHUNK_BYTES = 4 * MIB_BYTES;

/**
 * Zeroed at both ends of the disk and of every partition to be: partition tables, LVM, RAID, BitLocker and file system
 * signatures lie within the first or last MiB; btrfs is the outlier with a copy at 64 MiB that alone identifies nothing.
 */
export const WIPE_EDGE_BYTES = 4 * MIB_BYTES;

/** What is zeroed of slot B: the header, without which nothing takes it for a slot. */
export const SLOT_INVALID_BYTES = 4096;

/**
 * One transfer may take this long before the disk counts as dead. The kernel itself gives up after 30 s for a command and
 * retries it up to five times on SCSI and SATA.
 */
export const IO_STALL_MS = 180_000;

/** Tables, FAT and small files: seconds even on a bad eMMC. */
export const TOOL_TIMEOUT_MS = 60_000;

/** mkfs.ext4 and e2fsck write and read group tables of up to some hundred MB on a large slow disk. */
export const DATA_TOOL_TIMEOUT_MS = 300_000;

/** Partition nodes appear within milliseconds of the table; half a minute allows for a udev that is busy with a slow disk. */
export const NODES_TIMEOUT_MS = 30_000;
export const NODES_POLL_MS = 200;

/** udev locks a disk while it looks what is on it: a moment, or as long as a slow disk takes to answer. */
export const DISK_LOCK_PATIENCE_S = 30;

/** How often progress is told. */
export const PROGRESS_INTERVAL_MS = 1_000;

/** How long the last screen is shown before the machine turns itself off. */
export const POWER_OFF_DELAY_MS = 10_000;

/** A configuration is a page of text; anything larger is some other file. */
export const CONFIG_MAX_BYTES = 256 * 1024;

/** Keys, certificates and the machine id: a few kilobytes. More is not an identity and would be held in memory. */
export const IDENTITY_MAX_BYTES = 4 * MIB_BYTES;
export const IDENTITY_MAX_FILES = 1000;

/**
 * Where the identity lies in slot B while everything else is made anew: behind what is zeroed at the start of a partition, and
 * with room for all of it in base64 with the longest paths; a slot has at least 1 GiB.
 */
export const KEPT_OFFSET_BYTES = 2 * WIPE_EDGE_BYTES;
export const KEPT_MAX_BYTES = 4 * IDENTITY_MAX_BYTES;

/** The largest sector of a disk, and what a direct transfer is a multiple of. */
export const KEPT_BLOCK_BYTES = 4096;

/** The boot loader is under 3 MiB, its script some kilobytes; the ESP has 256 MiB. */
export const BOOT_FILE_MAX_BYTES = 64 * MIB_BYTES;

/** GRUB's own block size for environment files; layout.env is only read, so it need not be one sector. */
export const LAYOUT_ENV_BYTES = 1024;

/** Lines of the log that the full-screen view keeps. */
export const SCREEN_LOG_LINES = 200;

/** Asking a console for its size is one system call; a serial line that blocks must not hold up the start. */
export const STTY_TIMEOUT_MS = 2_000;

/** Disks behind slow controllers and hubs appear late; the initrd waits a minute for the medium for the same reason. */
export const DISK_PATIENCE_MS = 30_000;
export const DISK_POLL_MS = 1_000;
