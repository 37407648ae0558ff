/** Limits of stored files, each with its reason. */

const MIB = 1024 * 1024;

/** One request of an upload: the whole of it may be in memory, and what a broken line has to repeat. */
export const UPLOAD_PIECE_MAX_BYTES = 4 * MIB;

/** The largest file: a full bundle of the largest slot that nothing shrinks, with its documents. */
export const ARTIFACT_MAX_BYTES = 11 * 1024 * MIB;

/** A form that brings files: the bundle, what lies beside it, and the fields. */
export const FORM_MAX_BYTES = 2 * ARTIFACT_MAX_BYTES;

/** Uploads that have begun and not ended: each may take its whole size of the disk. */
export const UPLOADS_OPEN_MAX = 20;

/** An upload without a new piece for this long is given up; and a file that belongs to no release after as long. */
export const UNCLAIMED_MS = 24 * 60 * 60 * 1000;

/** A part of a multipart upload to an S3 store: 10,000 of them, the most there may be, hold the largest file; the smallest is 5 MiB. */
export const S3_PART_BYTES = 8 * MIB;

/** Bytes that are hashed in one turn, so that heartbeats are answered in between. */
export const HASH_STEP_BYTES = MIB;
