/** Limits of the parts under `base`, each with its reason. */

/** No outside command may hold the appliance up: half a minute is ten times the slowest one seen under emulation. */
export const COMMAND_TIMEOUT_MS = 30_000;

/** A killed program that sits in the kernel does not end; after this much more it is left behind. */
export const KILL_GRACE_MS = 5_000;

/** Enough for `nft -j list ruleset` of the largest table; a program that prints more keeps its end. */
export const COMMAND_OUTPUT_MAX_BYTES = 4 * 1024 * 1024;

/** Logical block size that every direct transfer is aligned to; covers 512-byte and 4096-byte sector disks. */
export const DIRECT_IO_ALIGN_BYTES = 4096;

/** Characters of a command line that an error message repeats. */
export const COMMAND_SHOWN_MAX = 200;
