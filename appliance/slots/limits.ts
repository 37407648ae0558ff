/** Kernel and initrd are hashed in steps of this size: large enough for full speed, small enough for a box with 2 GB. */
export const DIGEST_STEP_BYTES = 1024 * 1024;
