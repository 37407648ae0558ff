import { createHash } from 'node:crypto';
import { parseBytes, serialiseBytes } from './structured-fields.ts';

/** The value of Content-Digest for a body (RFC 9530 section 2), SHA-256. An empty body has one, too. */
export function contentDigest(body: Uint8Array): string {
  return `sha-256=${serialiseBytes(createHash('sha256').update(body).digest())}`;
}

/**
 * Whether the field names the SHA-256 of exactly this body. Digests of other algorithms beside it are passed over.
 *
 * @throws BulkheadError SIGNATURE_MALFORMED
 */
export function digestMatches(field: string, body: Uint8Array): boolean {
  // What nearly every sender writes; only another form of it has to be read.
  if (field === contentDigest(body)) return true;
  const named = parseBytes(field, 'Content-Digest').get('sha-256');
  return named !== undefined && createHash('sha256').update(body).digest().equals(named);
}
