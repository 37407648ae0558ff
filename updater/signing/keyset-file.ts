import { BulkheadError } from '../../base/errors.ts';
import { type Envelope, envelopeFromJson, envelopeToJson } from '../../base/signing/dsse.ts';
import { readBoundedFile } from './bounded-file.ts';
import { KEYSET_PAYLOAD_TYPE } from './keyset.ts';
import { KEYSET_FILE_MAX_BYTES, KEYSETS_MAX } from './limits.ts';

/** Key sets in a file or in a bundle: a JSON array of envelopes, oldest first, each following the one before. */

/** @throws BulkheadError KEYS_FILE_INVALID, and what envelopeFromJson throws */
export function parseKeysetFile(bytes: Uint8Array): Envelope[] {
  if (bytes.length > KEYSET_FILE_MAX_BYTES) throw tooLong();
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalid('no JSON in UTF-8', cause);
  }
  if (!Array.isArray(json) || json.length === 0 || json.length > KEYSETS_MAX)
    throw invalid(`not an array of 1 to ${KEYSETS_MAX} envelopes`);
  return json.map((entry: unknown) => envelopeFromJson(entry, KEYSET_PAYLOAD_TYPE));
}

export function serialiseKeysetFile(envelopes: readonly Envelope[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(envelopes.map(envelopeToJson)));
}

/**
 * The key sets of a file, none of them trusted by that.
 *
 * @throws BulkheadError KEYS_FILE_UNREADABLE, and what parseKeysetFile throws
 */
export function readKeysetFile(path: string): Envelope[] {
  let bytes: Uint8Array | undefined;
  try {
    bytes = readBoundedFile(path, KEYSET_FILE_MAX_BYTES);
  } catch (cause) {
    throw new BulkheadError('KEYS_FILE_UNREADABLE', `cannot read the key sets in ${path}`, {
      cause,
      hint: 'name another file with --keyset',
    });
  }
  if (!bytes) throw tooLong();
  return parseKeysetFile(bytes);
}

function invalid(why: string, cause?: unknown): BulkheadError {
  const options = cause === undefined ? {} : { cause };
  return new BulkheadError('KEYS_FILE_INVALID', `these are no key sets: ${why}`, options);
}

function tooLong(): BulkheadError {
  return invalid(`longer than ${KEYSET_FILE_MAX_BYTES} bytes`);
}
