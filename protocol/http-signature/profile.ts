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

/** Which of several signatures on a request is meant. */
export const SIGNATURE_LABEL = 'bulkhead';

/** What a request can be signed with. */
export interface SignatureProfile {
  /** As RFC 9421 section 6.2 registers them. */
  alg: 'ed25519' | 'hmac-sha256';
  /** Keeps a signature made for something else from being taken for one of these (RFC 9421 section 2.3, `tag`). */
  tag: string;
}

/** The key of the device: for everything. */
export const DEVICE_PROFILE: SignatureProfile = { alg: 'ed25519', tag: 'bulkhead-agent' };

/** A session key: for heartbeats alone, see protocol/session-key. */
export const SESSION_PROFILE: SignatureProfile = { alg: 'hmac-sha256', tag: 'bulkhead-session' };
