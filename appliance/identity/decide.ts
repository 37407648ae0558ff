/** What one of the two files of an identity holds. `empty`: zero bytes, what a power cut leaves of an unsynced file. */
export type FileState = 'missing' | 'empty' | 'damaged' | 'valid';

export interface IdentityState {
  key: FileState;
  record: FileState;
  /** Key and record belong together; only meaningful when both are valid. */
  matches: boolean;
}

/** make: a new key and record; complete: write the record of the key that is there; keep: nothing to do. */
export type IdentityDecision = { act: 'make' | 'complete' | 'keep' } | { act: 'refuse'; reason: string };

/**
 * What to do about the two files of an identity: a private key and the record that is written after it (for SSH host
 * keys: the `.pub` file).
 *
 * An identity is known to others by its public key, so it must never change silently: a box that comes back with another
 * key counts twice, or is locked out. The order of writing tells whether a key can have been seen outside:
 *
 * 1. the key is written and synced; 2. the record is written and synced; 3. readers demand both, so nobody
 * reports a key without a record.
 *
 * No trace of a record therefore means that the first boot was interrupted before step 2 ended, and a key that is
 * missing or empty may be made again. As soon as a record exists, even a damaged one, the key may be known, and what
 * does not fit is reported and left for a person. A non-empty damaged key is never made again: atomic
 * writing leaves none, so something else happened to it.
 */
export function decideIdentity({ key, record, matches }: IdentityState): IdentityDecision {
  if (key === 'valid') {
    if (record === 'valid') {
      return matches ? { act: 'keep' } : { act: 'refuse', reason: 'the key is not the one its record names' };
    }
    // The record says nothing the key does not, so it can be written again without changing who this is.
    return { act: 'complete' };
  }
  if (key === 'damaged') return { act: 'refuse', reason: 'the key is damaged' };
  if (record === 'missing') return { act: 'make' };
  return { act: 'refuse', reason: `the key is ${key}, but a record of it exists, so others may know it` };
}
