/** Limits and targets of the bench of updates, each with its reason. */

const KIB = 1024;
const MIB = 1024 * KIB;

/** Runs of every contestant, in turn: the median of five bears two that something else has disturbed. */
export const UPDATE_RUNS = 5;

/** Room on the loop device beside the largest slot: a partition is never exactly full. */
export const DEVICE_SPARE_BYTES = 64 * MIB;

/** `bsdiff` of a program of 110 MB takes minutes, `zstd -19` of a slot two; ten times that is a hang. */
export const MAKE_TIMEOUT_MS = 60 * 60_000;
/** A run takes seconds; casync, which asks for a thousand chunks one after the other, takes longest. */
export const RUN_TIMEOUT_MS = 10 * 60_000;

/** How much is spent on what is published. */
export interface Effort {
  zstd_level: number;
  /** Longer files are left out of bsdiff, which is then no measure of that change. */
  bsdiff_max_bytes: number;
}
/** What the release tool takes. */
export const RELEASE_EFFORT: Effort = { zstd_level: 19, bsdiff_max_bytes: Number.POSITIVE_INFINITY };
/** Minutes instead of an hour: bsdiff of the program alone takes five minutes of a processor, level 19 of seven images as long. */
export const QUICK_EFFORT: Effort = { zstd_level: 3, bsdiff_max_bytes: 8 * MIB };

/** From Debian's own libraries between 200 and 600 KiB: the largest ones are few and would decide everything alone. */
export const LIBRARY_MAX_BYTES = 600 * KIB;
export const LIBRARIES = 20;

/** Targets of the issue. */
export const TARGETS = {
  /** Of the plain pipe's seconds. */
  full_to_pipe: 1.15,
  memory_bytes: 64_000_000,
  one_file_bytes: 4 * KIB,
  /** Of the bytes of the best binary diff. */
  application_to_best: 1.5,
  /** Of the bytes of rauc's adaptive mode. */
  application_to_rauc: 0.1,
  /** Of the bytes of xdelta3. */
  libraries_to_xdelta3: 1.2,
  /** Beyond the blocks themselves when nothing is known about the base. */
  blocks_overhead_bytes: 20 * KIB,
  repeated_bytes: MIB,
} as const;

/** rauc 1.8, src/hash_index.c: an index holds a SHA-256 for each chunk of 4 KiB. */
export const RAUC_CHUNK_BYTES = 4096;
export const RAUC_HASH_BYTES = 32;
/** mksquashfs's block, in which a bundle is compressed: a chunk costs the block that it lies in. */
export const SQUASHFS_BLOCK_BYTES = 128 * KIB;

/** Shares of the payload after which the transfer is killed: near the beginning, the end, and between. */
export const KILL_SHARES = [0.1, 0.35, 0.6, 0.85] as const;
/** A line of 160 Mbit/s: faster than most boxes have, slower than the updater. */
export const LINE_BYTES_PER_S = 20_000_000;
/** Small enough that a kill hits between two parts of a piece. */
export const LINE_STEP_MS = 2;
/** Between two looks at how much was carried: the line carries 20 KB in that time. */
export const KILL_LOOK_MS = 1;
