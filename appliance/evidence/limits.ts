import { RECORD_MAX_BYTES, SEGMENT_MAX_BYTES } from '../../protocol/evidence/limits.ts';

/** Limits of the evidence on the appliance, each with its reason. */

/** Body of one entry as JSON: what a record has besides (chain, times, hash, signature) is 400 bytes. */
export const ENTRY_MAX_BYTES = RECORD_MAX_BYTES - 1024;

/** Entries of one call: a call is one write, and others wait behind it. */
export const ENTRIES_MAX = 64;

/**
 * A segment is closed when it is this long: some thousand records, two minutes of a slow line on their way to the coordinator, and little enough
 * to be verified whole whenever the log is opened.
 */
export const SEGMENT_ROLL_BYTES = 1024 * 1024;

/** Records that share one flush to the disk, in bytes; a segment outgrows its mark by less. */
export const BATCH_MAX_BYTES = 1024 * 1024;
if (SEGMENT_ROLL_BYTES + BATCH_MAX_BYTES + 2 * RECORD_MAX_BYTES > SEGMENT_MAX_BYTES)
  throw new Error('a segment could become longer than the coordinator takes');

/** Callers that wait for a flush; more means that the disk stands still, and whoever comes is told so. */
export const WAITING_MAX = 4096;

/** All segments together: a year of a site with a hundred changes a day, and room for findings, samples and sensors beside it. */
export const EVIDENCE_MAX_BYTES = 96 * 1024 * 1024;

/** Of it for what makes room again: checkpoints, exports, retirements. A full log has to be able to say that it is emptied. */
export const EVIDENCE_RESERVE_BYTES = 1024 * 1024;

/** Above this share of EVIDENCE_MAX_BYTES segments that are kept elsewhere are retired, the oldest first; below, nothing is removed. */
export const RETIRE_ABOVE_SHARE = 0.75;

/** A segment that the coordinator has refused is offered again this long after: a newer coordinator may know better. */
export const QUARANTINE_RETRY_MS = 6 * 60 * 60_000;

/** Files beside the segments (state of a segment, last countersignature, endorsement): two envelopes at most. */
export const SMALL_FILE_MAX_BYTES = 32 * 1024;

/** Another process may hold the log while it ends: the service manager starts the next one at once. */
export const LOCK_PATIENCE_S = 5;

/** New records are vouched for by somebody else within this time, or this many of them: what a thief of the key could still rewrite. */
export const CHECKPOINT_INTERVAL_MS = 15 * 60_000;
export const CHECKPOINT_RECORDS = 1_000;

/** Records that a list shows in one answer: with records at their longest it stays below what one answer may have. */
export const LIST_MAX = 500;

/** Chains in one folder that a verification looks at file by file; each export is one file. */
export const FILES_MAX = 10_000;
