/** Limits of the kept boot logs, each with its reason. */

const KIB = 1024;

/** Text kept of one boot: a whole quiet boot has 30 to 60 KiB, and a reader begins at the end. */
export const BOOT_LOG_TEXT_MAX_BYTES = 64 * KIB;

/** The header in front of it: ten short lines. A larger file is none of ours. */
export const BOOT_LOG_FILE_MAX_BYTES = BOOT_LOG_TEXT_MAX_BYTES + 4 * KIB;

/** A slot that was given up has three boots behind it; with the two around them five, and some that somebody made since. */
export const BOOT_LOGS_MAX = 8;

/** A record of the kernel: LOG_RECORD_BYTES of the initrd, and a note on repaired bytes behind it. */
export const BOOT_RECORD_MAX_BYTES = 132 * KIB;

/** Records taken in one go: what the initrd keeps, and what the kernel's memory itself may hold. */
export const BOOT_RECORDS_MAX = 16;

/** Lines of each log that are shown to a person: a panic with its call trace and what came before. */
export const BOOT_LOG_LINES_SHOWN = 60;
