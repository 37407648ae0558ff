/** A stretch of the data area as it was given to the disk, at most WRITE_BUFFER_BYTES long. */
export interface WrittenStretch {
  start_bytes: number;
  /** Not included. */
  end_bytes: number;
  digest: bigint;
}

/**
 * What tells that a disk gives back what it was given. Not cryptographic, and it need not be: what was given had the signed hashes, and
 * a disk that lies on purpose could do so later. It takes a fiftieth of the time of a second SHA-256 of everything.
 */
export function stretchDigest(bytes: Uint8Array): bigint {
  return Bun.hash.xxHash3(bytes);
}
