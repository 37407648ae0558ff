/** What the base is indexed by: a hash of the bytes from a position on. */
export interface Seed {
  /** Bytes that the hash is made of. */
  size_bytes: number;
  /** Only positions that are multiples of this have one. */
  step: number;
  /** 0: nothing worth looking for. */
  hash(bytes: Uint8Array, at: number): number;
}

/** Bytes of one row of a table and the next: 24 is a multiple of the row lengths 4, 8, 12 and 24. */
export const ROW_BYTES = 24;

/** The bytes themselves: the shortest run that is looked for. */
export const PLAIN_SEED: Seed = {
  size_bytes: 8,
  step: 1,
  hash(bytes, at) {
    const low = word(bytes, at);
    const high = word(bytes, at + 4);
    // Runs of one value say nothing about where they come from, and there are millions of them.
    if (low === high && (low ^ ((low >>> 8) | (low << 24))) === 0) return 0;
    const mixed = Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b);
    return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) | 1;
  },
};

/**
 * By how much the words of a row differ from those of the row above. In a table of addresses this is all that stays when
 * what the addresses point at moves; without it every row looks as like the old one as the row beside it does.
 */
export const ROW_SEED: Seed = {
  size_bytes: 2 * ROW_BYTES,
  step: 4,
  hash(bytes, at) {
    let hash = 0;
    let any = 0;
    for (let place = at; place < at + ROW_BYTES; place += 4) {
      const change = word(bytes, place + ROW_BYTES) - word(bytes, place);
      any |= change;
      hash = Math.imul(hash ^ (hash >>> 15) ^ change, 0x85ebca6b);
    }
    return any === 0 ? 0 : Math.imul(hash ^ (hash >>> 13), 0x2c1b3c6d) | 1;
  },
};

/** The longer runs of the index over the whole base, see far-index.ts. */
export const FAR_SEED: Seed = {
  size_bytes: 32,
  step: 16,
  hash(bytes, at) {
    let hash = 0;
    for (let place = at; place < at + 32; place += 4)
      hash = Math.imul(hash ^ (hash >>> 15) ^ word(bytes, place), 0x85ebca6b);
    return Math.imul(hash ^ (hash >>> 13), 0x2c1b3c6d) | 1;
  },
};

/** 32 bits, little-endian. */
export function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  );
}
