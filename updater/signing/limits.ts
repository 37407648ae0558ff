/** Limits of signing and trust, each with its reason. */

/** Keys of one set: root and release keys of a product with spares. */
export const KEYS_MAX = 16;

/** Revocations are never dropped, so that no later set brings a lost key back; this many are lost in no product's life. */
export const REVOCATIONS_MAX = 64;

/** Free text in a key set is for people; at its longest everywhere a set still fits an envelope. */
export const KEY_NOTE_MAX = 120;

/** Steps from the oldest set still in the field to the newest: sixteen years of quarterly rotation. */
export const KEYSETS_MAX = 64;

/** A chain of key sets in a file or a bundle; read before it is known who made it. KEYSETS_MAX sets of 8 KiB. */
export const KEYSET_FILE_MAX_BYTES = 512 * 1024;

/** Private and public keys in PEM are a few hundred bytes; whatever is longer is none. */
export const KEY_FILE_MAX_BYTES = 16 * 1024;
