/** Limits of the site's store, each with its reason. */

/** A backup or a person with sqlite3 may hold the file for a moment. */
export const STORE_BUSY_TIMEOUT_MS = 5_000;

/** Commits follow each other no faster: 200 flushes a second are what an eMMC can give, and nobody notices 5 ms. */
export const COMMIT_INTERVAL_MS = 5;

/** Pieces of work in one transaction: at 2,000 a second ten of them wait, so this is for what piled up behind a slow flush. */
export const COMMIT_MAX_PIECES = 500;
/** And what they say they write: a transaction has to fit into the log beside the database. */
export const COMMIT_MAX_BYTES = 2 * 1024 * 1024;

/** Pieces that wait at most: ten seconds of the load this is made for. Whoever comes then is told to come again. */
export const QUEUE_MAX_PIECES = 20_000;
/** And what they hold in memory. */
export const QUEUE_MAX_BYTES = 16 * 1024 * 1024;

/** What one piece takes in memory and on the disk beside what it says it writes: a closure, a promise, rows of indexes. */
export const PIECE_OVERHEAD_BYTES = 256;

/** Pages of 4 KiB after which the log is written back: seldom enough to save writes, small beside the file system it shares. */
export const CHECKPOINT_PAGES = 1_500;

/** Memory for pages: the leaves that a site of 500 sensors writes to again and again. KiB, as SQLite counts it. */
export const PAGE_CACHE_KIB = 16 * 1024;

/**
 * What the database may grow to. The site has a file system of 256 MiB: the evidence has its share of it, and the log of the database
 * needs room for a batch and what is written back only after it.
 */
export const STORE_MAX_BYTES = 144 * 1024 * 1024;

/** What is kept of a database that was damaged, out of the room above: its first pages say what it was, and the new one has to work. */
export const DAMAGED_COPY_MAX_BYTES = 32 * 1024 * 1024;
/** And for how long: somebody who wants to know what happened looks within two weeks. */
export const DAMAGED_COPY_AGE_MS = 14 * 24 * 60 * 60 * 1000;
/** How often that is looked at. */
export const DAMAGED_COPY_LOOK_MS = 6 * 60 * 60 * 1000;
