import { createHash } from 'node:crypto';
import { type Static, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { BulkheadError } from '../../base/errors.ts';
import { preAuthEncoding, type Signer } from '../../base/signing/dsse.ts';
import { Sha256 } from '../messages/parts.ts';
import { canonicalJson, type JsonObject } from './canonical.ts';
import { RECORD_MAX_BYTES } from './limits.ts';

/** What is signed is DSSE's encoding of this type and the record without its signature: no other signature can pass for one. */
const RECORD_PAYLOAD_TYPE = 'application/vnd.bulkhead.evidence-record.v1+json';

/** Before the first record of a chain. */
export const NO_RECORD = '0'.repeat(64);

export const ChainId = t.String({
  pattern: '^[0-9a-f]{32}$',
  description: 'of one chain, drawn by lot when it begins',
});

/** RFC 3339 in UTC with milliseconds: equal times are equal texts, and they sort as they follow. */
export const Moment = t.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' });

export const RecordNumber = t.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });

/** One record. Its names are in the order in which they are written, and the signature comes last. */
const Record = t.Object(
  {
    at: Moment,
    body: t.Unsafe<JsonObject>(t.Object({})),
    chain: ChainId,
    format: t.Literal(1),
    kind: t.String({ maxLength: 64, pattern: '^[a-z]+(\\.[a-z_]+)+$' }),
    /** SHA-256 of the line before, without its line break. */
    prev: Sha256,
    seq: RecordNumber,
    signature: t.String({ pattern: '^[A-Za-z0-9+/]{86}==$', description: 'Ed25519, 64 bytes in base64' }),
  },
  { additionalProperties: false },
);
export type EvidenceRecord = Static<typeof Record>;
export type RecordContent = Omit<EvidenceRecord, 'signature'>;

/** A record as it stands in a file. */
export interface RecordLine {
  record: EvidenceRecord;
  /** What `prev` of the next one says. */
  hash: string;
  /** What the signature is over. */
  signed: Uint8Array;
  signature: Uint8Array;
}

/** `,"signature":"` and 88 digits and `"}`: what a line has that is not signed. */
const SIGNATURE_TAIL = 14 + 88 + 2;

/**
 * The line of a record, without its line break, and its hash.
 *
 * @throws BulkheadError EVIDENCE_RECORD_INVALID when it cannot be written, or would be too long
 */
export function sealRecord(
  content: RecordContent,
  signer: Pick<Signer, 'sign'>,
): { line: string; hash: string } {
  const text = canonical(content);
  const signature = signer.sign(preAuthEncoding(RECORD_PAYLOAD_TYPE, Buffer.from(text)));
  const line = `${text.slice(0, -1)},"signature":"${Buffer.from(signature).toString('base64')}"}`;
  const size_bytes = Buffer.byteLength(line) + 1;
  if (size_bytes > RECORD_MAX_BYTES)
    throw invalid(`a record (${content.kind}) of ${size_bytes} bytes; at most ${RECORD_MAX_BYTES}`);
  return { line, hash: lineHash(line) };
}

/**
 * A record from a line of unknown origin. Its signature is not looked at by this.
 *
 * @param line without its line break
 * @throws BulkheadError EVIDENCE_RECORD_INVALID
 */
export function parseRecordLine(line: Uint8Array): RecordLine {
  if (line.length >= RECORD_MAX_BYTES) throw invalid('the line is longer than any record');
  let text: string;
  let record: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line);
    record = JSON.parse(text);
  } catch (cause) {
    throw invalid('the line is no JSON in UTF-8', cause);
  }
  if (!Value.Check(Record, record)) {
    const first = Value.Errors(Record, record).First();
    throw invalid(`the line is no record: ${first?.path || '/'}: ${first?.message ?? 'invalid'}`);
  }
  if (canonical(record) !== text) throw invalid('the line is not written in its one form (RFC 8785)');
  const signature = Uint8Array.from(Buffer.from(record.signature, 'base64'));
  if (Buffer.from(signature).toString('base64') !== record.signature)
    throw invalid('the signature is not base64 in its one form');
  const content = Buffer.concat([line.subarray(0, -SIGNATURE_TAIL), Buffer.from('}')]);
  return { record, hash: lineHash(line), signature, signed: preAuthEncoding(RECORD_PAYLOAD_TYPE, content) };
}

/** @param line without its line break */
export function lineHash(line: string | Uint8Array): string {
  return createHash('sha256').update(line).digest('hex');
}

function canonical(content: RecordContent): string {
  try {
    return canonicalJson(content as unknown as JsonObject);
  } catch (cause) {
    throw invalid(`a record (${content.kind}) that cannot be written`, cause);
  }
}

function invalid(why: string, cause?: unknown): BulkheadError {
  return new BulkheadError('EVIDENCE_RECORD_INVALID', why, cause === undefined ? {} : { cause });
}
