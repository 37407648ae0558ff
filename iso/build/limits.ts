/** Limits of the image builder, each with its reason. */

/** A download that stands still for this long is given up and tried again. */
export const DOWNLOAD_TIMEOUT_MS = 120_000;
/** Tries per package before the build stops. */
export const DOWNLOAD_ATTEMPTS = 4;
/** Wait before the second try, doubled before each further one: together they outlast a router that dials again. */
export const DOWNLOAD_RETRY_MS = 1_000;
/** Packages fetched at once: polite to a mirror, enough to hide latency. */
export const DOWNLOADS_AT_ONCE = 6;
/** Unpacking and configuring a root tree takes 15 s on two cores; ten minutes means it hangs. */
export const BOOTSTRAP_TIMEOUT_MS = 600_000;
/** zstd -19 of a quarter of a gigabyte takes about a minute on two shared cores. */
export const COMPRESS_TIMEOUT_MS = 900_000;
/** The ISO must fit a small stick and a slow line; a comparable product's has 1.1 GB. */
export const ISO_TARGET_BYTES = 160_000_000;

/** Compiling takes two seconds; on a computer that boots machines beside it a minute. */
export const COMPILE_TIMEOUT_MS = 300_000;

/** Listing a package reads all of it; the kernel's 100 MB take five seconds. */
export const LIST_TIMEOUT_MS = 120_000;

/**
 * What the watchdog grants from arming in the initrd until systemd feeds it: a minute's wait for a late disk and a start of
 * systemd on a slow one. A repair of the data partition may take longer and feeds it itself (iso/initrd/init).
 */
export const WATCHDOG_HEARTBEAT_S = 180;
