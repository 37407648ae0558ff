/**
 * Which form of RFC 9421 appliances and coordinator use. One profile, so that nothing is negotiated and nothing left out.
 */

/** Everything that makes a request what it is: another host, path, query, body or sequence is another request. */
export const COVERED_COMPONENTS = [
  '@method',
  '@authority',
  '@path',
  '@query',
  'content-digest',
  'bulkhead-sequence',
] as const;

/** A number that rises with every request of a key; the coordinator takes each once. */
export const SEQUENCE_FIELD = 'bulkhead-sequence';

/** Keeps a signature made for something else from being taken for one of these (RFC 9421 section 2.3, `tag`). */
export const SIGNATURE_TAG = 'bulkhead-agent';

/** Which of several signatures on a request is meant. */
export const SIGNATURE_LABEL = 'bulkhead';

export const SIGNATURE_ALGORITHM = 'ed25519';
