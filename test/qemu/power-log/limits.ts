/** Limits of the judging of power cuts, each with its reason. */

/** Unflushed writes of which every subset is judged: 1024 subsets for a whole window, each in microseconds. */
export const SUBSET_WRITES_MAX = 10;
/** Random subsets for each further write of a longer window, beside each one dropped and each one kept alone. */
export const SUBSET_SAMPLE = 64;

/** A write of a guest: Linux and QEMU pass on at most a few MiB at once. Anything longer is a damaged log. */
export const ENTRY_DATA_MAX_BYTES = 64 * 1024 * 1024;

/** Boots followed from one disk: three of a trial, three of each slot, the rescue ring, and then it goes round. */
export const BOOTS_FOLLOWED = 16;

/** Faults that are described one by one; what is wrong once is wrong in thousands of states, and all are counted. */
export const FAULTS_DESCRIBED = 50;

/** States of the data file system that are checked, a fifth of a second each; beyond it a sample is taken. */
export const DATA_CHECKS_MAX = 1_500;
/** States of the data file system with unflushed writes dropped or torn, drawn at random. */
export const DATA_VARIANTS = 1_000;
/** Checks that run side by side: one a core of the smallest build machine. */
export const DATA_CHECKS_AT_ONCE = 2;
/** e2fsck of 3 GiB takes a tenth of a second; a minute means that it hangs. */
export const FILE_SYSTEM_CHECK_TIMEOUT_MS = 60_000;

/** A whole update under emulation: write, read back, two boots. */
export const INSTALL_TIMEOUT_MS = 15 * 60_000;
/** Every unit has its time-out; together they are far below this. */
export const POWER_OFF_TIMEOUT_MS = 3 * 60_000;
