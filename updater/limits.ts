/** Limits of the updater, each with its reason. Sizes of the slot itself are in partitions/. */

const KIB = 1024;
const MIB = 1024 * KIB;

/**
 * Bytes that are asked for at once, and then written and journalled before the ones after the next are asked for: twice this is
 * what a transfer that is killed has to repeat, whatever the speed of the line and the buffers on the way. With what is
 * read again in front of the payload (head, index) it stays below a MiB.
 */
export const BATCH_MAX_BYTES = 392 * KIB;
/**
 * Bytes that were fetched since the last checkpoint, and that the next part costs, from which on another one is made. As much as
 * single blocks are asked for at once; of everything else a batch is more, so there is one behind each.
 */
export const CHECKPOINT_EVERY_BYTES = 96 * KIB;
/**
 * Bytes of the slot that one piece of a full payload yields, a whole number of blocks. A piece is verified whole before it is
 * decompressed, so this bounds memory, and one that does not shrink still has to fit into a batch with what zstd puts
 * around it. Pieces two and a half times as long are 4 % smaller in all (zstd -19).
 */
export const PIECE_TARGET_BYTES = 384 * KIB;
/** Compressed bytes of one piece, of a full bundle or of a delta. */
export const PIECE_PAYLOAD_MAX_BYTES = BATCH_MAX_BYTES;
/** A delta piece may yield much more than it weighs (unchanged runs), but never more than a slot. */
export const PIECES_MAX = 65_536;

/** SBOM, provenance, key set: read whole into memory where they are read at all. */
export const DOCUMENT_MAX_BYTES = 8 * MIB;
/** The largest slot that is laid out (partitions/layout-limits.ts); no manifest may promise more. */
export const SLOT_MAX_BYTES = 10 * KIB * MIB;

/**
 * One transfer to the disk or from it: what a piece of a full payload yields, which then is never cut. Three of these go around: one is
 * filled and hashed, or compared, while the disk has two and never waits for the next.
 */
export const WRITE_BUFFER_BYTES = PIECE_TARGET_BYTES;

/**
 * How often a transfer is made to outlast a power cut. The end of the process alone it outlasts anyhow: for that it is enough that it
 * is written down, which is done for each batch. Flushing for each was most of the time of an install on a quick line; on
 * one of 160 Mbit/s what comes in this time is a MB.
 */
export const FLUSH_EVERY_MS = 50;

/** How often a running update says that it still runs, when nothing else happens. */
export const PROGRESS_ALIVE_MS = 10_000;

/** Silence after which nobody runs it any more: several signs of life, on a machine that is as busy as one can be. */
export const PROGRESS_SILENT_MS = 60_000;

/** Updates that ended and are still listed: years of monthly releases. */
export const HISTORY_KEEP = 200;

/** Lines of a failed trial's console that are kept: a panic with its call trace and what came before. */
export const CONSOLE_TAIL_LINES = 120;

/** A line of the transfer journal: a block that is not complete in base64, and what stands beside it. */
export const CHECKPOINT_MAX_BYTES = 8 * KIB;
/** The longer first and last of these lines; pending record, mirrors, history, key sets and their temporary copies, with the room that each wastes of its last block. */
export const RECORDS_MAX_BYTES = MIB;
export const RECORDS_MAX_FILES = 16;

/** A way that costs less to fetch is taken unasked: what the others cost is known from heads and trees, which are fetched, too. */
export const CHEAP_ENOUGH_BYTES = MIB;

const HOUR_MS = 3_600_000;
/**
 * After this long no server is waited for any more, however many ways there were to try. Shorter than the day that
 * bulkhead-update.service has, so that the update itself says why it ends.
 */
export const UPDATE_PATIENCE_MS = 20 * HOUR_MS;
/** How long a file is waited for without which an update only costs more: long enough for a server that restarts. */
export const BESIDE_PATIENCE_MS = 300_000;
