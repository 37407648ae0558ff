/** Kernel and initrd are hashed in steps of this size: large enough for full speed, small enough for a box with 2 GB. */
export const DIGEST_STEP_BYTES = 1024 * 1024;

/** What is done to slots takes a second, an update many: who waits this long knows that it is an update. */
export const LOCK_PATIENCE_S = 5;
