/** Limits of the evidence of an appliance, each with its reason. */

/**
 * One record with its line break. The longest that is written carries two envelopes of the coordinator's (4 KiB) or the output of an
 * action (cut to 4 KiB by whoever acts); a piece of an upload has to hold at least one whole record.
 */
export const RECORD_MAX_BYTES = 16 * 1024;

/** How deep the body of a record may be nested: lists of objects of lists are in use, and a reader must not run out of stack. */
export const BODY_DEPTH_MAX = 8;

/** Records between a checkpoint and the record of its countersignature: who verifies keeps this many hashes, 1 MB. */
export const CHECKPOINT_DISTANCE_MAX = 10_000;

/** Chains in one export: each is one key or one store of the appliance; more than a handful is a machine that needs a person. */
export const EXPORT_CHAINS_MAX = 64;

/** One piece of a segment on its way to the coordinator: in JSON it may become twice as long, and the coordinator takes 64 KiB as one body. */
export const SEGMENT_PIECE_MAX_BYTES = 28 * 1024;

/** One segment at most: some thousand records, verified by the coordinator in one go. The appliance closes them far below. */
export const SEGMENT_MAX_BYTES = 4 * 1024 * 1024;
