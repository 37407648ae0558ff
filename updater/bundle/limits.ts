/** Limits of bundles, each with its reason; those that other parts share are in updater/limits.ts. */

/** 20 KiB of superblock and footer, which never grow by being compressed more than zstd's own frame adds. */
export const TAIL_SECTION_MAX_BYTES = 21 * 1024;

/** Level of zstd for pieces: a release is made once and fetched often; higher levels need more memory to decompress. */
export const ZSTD_LEVEL = 19;

/** Reads of a file: large enough that the calls do not count, small enough to be nothing. */
export const FILE_READ_BYTES = 256 * 1024;

/** Blocks of a slot image that are hashed and of a stream that are verified at once. */
export const HASH_STEP_BYTES = 1024 * 1024;
