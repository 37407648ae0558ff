/** Limits of the set-up of a boot, each with its reason. */

/** Less than this at the end of the disk or the partition is alignment, not room worth writing a partition table for. */
export const GROW_MIN_BYTES = 16 * 1024 * 1024;

/** Growing an ext4 from 1 GB to 1 TB online writes some thousand block groups: minutes on a slow eMMC. */
export const RESIZE_TIMEOUT_MS = 540_000;

/** A GPT keeps at least 16 KiB of entries and one sector of header at the end of the disk (UEFI 2.10, section 5.3.1). */
export const GPT_ENTRIES_BYTES = 16 * 1024;

/** systemd's own span (CLOCK_VALID_RANGE_USEC_MAX): a clock this far after the build date is broken, not old. */
export const CLOCK_VALID_SPAN_MS = 15 * 365 * 24 * 3600 * 1000;

/** `date` ends within milliseconds; what hangs here would hang the boot. */
export const CLOCK_COMMAND_TIMEOUT_MS = 5_000;

/** Small state files of ours: a number or a date and a line break. */
export const STATE_FILE_MAX_BYTES = 128;

/** Routes over the air rank behind those over a cable, whose metric is networkd's default of 1024. */
export const WIFI_ROUTE_METRIC = 2048;

/**
 * The agent's place: OUTBOX_MAX_BYTES of messages in their database with its log, the copy of a damaged one, and as much again for
 * what the agent remembers of its orders. On the smallest data partition (1 GiB) it is a sixteenth.
 */
export const AGENT_IMAGE_BYTES = 64 * 1024 * 1024;

/**
 * The site's place: 96 MiB of events and findings, 96 MiB of evidence until it was exported, and the logs of both. On the smallest data
 * partition (1 GiB) it is a quarter.
 */
export const SITE_IMAGE_BYTES = 256 * 1024 * 1024;

/** What stays free when a service's place is made: four times what the health gate asks for (DATA_FREE_MIN_BYTES). */
export const STORE_LEAVES_BYTES = 256 * 1024 * 1024;

/** Checking 256 MiB takes a second on a slow eMMC; what takes longer hangs, and a service waits for it. */
export const STORE_TOOL_TIMEOUT_MS = 20_000;
