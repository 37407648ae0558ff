import { createHash } from 'node:crypto';
import { BulkheadError } from '../../base/errors.ts';
import { type Envelope, parseEnvelope, serialiseEnvelope } from '../../base/signing/dsse.ts';
import { ENVELOPE_MAX_BYTES } from '../../base/signing/limits.ts';
import { type ByteSource, readRange } from '../source.ts';
import { BUNDLE_MAGIC, BUNDLE_PAYLOAD_TYPE } from './manifest.ts';

/** What stands in front of the sections. */
export interface BundleHead {
  envelope: Envelope;
  /** The envelope as it lies in the file. */
  envelope_bytes: Uint8Array;
  /** Where the first section begins. */
  end_bytes: number;
  /** SHA-256 of the payload of the envelope: the name of what is signed, whoever signs it. Hexadecimal. */
  digest: string;
}

const LENGTH_BYTES = 4;
const PREFIX_BYTES = BUNDLE_MAGIC.length + LENGTH_BYTES;

/** Whether a source begins as a bundle does. */
export async function isBundle(source: ByteSource): Promise<boolean> {
  if ((await source.size_bytes()) < PREFIX_BYTES) return false;
  return isMagic(await readRange(source, 0, BUNDLE_MAGIC.length));
}

/**
 * Reads magic, length and envelope. Nothing of it is verified by this, and nothing else is read.
 *
 * @throws BulkheadError BUNDLE_NOT_ONE, BUNDLE_TRUNCATED, BUNDLE_HEAD_INVALID, what parseEnvelope and the source throw
 */
export async function readHead(source: ByteSource): Promise<BundleHead> {
  const size_bytes = await source.size_bytes();
  if (size_bytes < PREFIX_BYTES) throw truncated(source, size_bytes, PREFIX_BYTES);
  const prefix = Buffer.from(await readRange(source, 0, PREFIX_BYTES));
  if (!isMagic(prefix.subarray(0, BUNDLE_MAGIC.length))) {
    throw new BulkheadError('BUNDLE_NOT_ONE', `${source.name} is no bundle`, {
      hint: 'a bundle begins with the words BULKHEAD-BUNDLE1; is this the ISO, a slot image, or an error page of a server?',
    });
  }
  const envelope_length_bytes = prefix.readUInt32LE(BUNDLE_MAGIC.length);
  if (envelope_length_bytes < 1 || envelope_length_bytes > ENVELOPE_MAX_BYTES) {
    throw new BulkheadError(
      'BUNDLE_HEAD_INVALID',
      `${source.name} announces an envelope of ${envelope_length_bytes} bytes; 1 to ${ENVELOPE_MAX_BYTES} are possible`,
    );
  }
  const end_bytes = PREFIX_BYTES + envelope_length_bytes;
  if (size_bytes < end_bytes) throw truncated(source, size_bytes, end_bytes);
  const envelope_bytes = await readRange(source, PREFIX_BYTES, end_bytes);
  const envelope = parseEnvelope(envelope_bytes, BUNDLE_PAYLOAD_TYPE);
  return { envelope, envelope_bytes, end_bytes, digest: digestOf(envelope) };
}

/** Magic, length and envelope as they stand at the beginning of a bundle. @throws BulkheadError BUNDLE_HEAD_INVALID */
export function serialiseHead(envelope: Envelope): Uint8Array {
  const bytes = serialiseEnvelope(envelope);
  if (bytes.length > ENVELOPE_MAX_BYTES) {
    throw new BulkheadError(
      'BUNDLE_HEAD_INVALID',
      `the envelope would have ${bytes.length} bytes, ${ENVELOPE_MAX_BYTES} are possible`,
    );
  }
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([Buffer.from(BUNDLE_MAGIC, 'latin1'), length, bytes]);
}

function isMagic(bytes: Uint8Array): boolean {
  return Buffer.compare(bytes, Buffer.from(BUNDLE_MAGIC, 'latin1')) === 0;
}

export function digestOf({ payload }: Envelope): string {
  return createHash('sha256').update(payload).digest('hex');
}

function truncated(source: ByteSource, size_bytes: number, wanted_bytes: number): BulkheadError {
  return new BulkheadError(
    'BUNDLE_TRUNCATED',
    `${source.name} has ${size_bytes} bytes, its head alone needs ${wanted_bytes}`,
    { hint: 'the file is not complete: copy or publish it again' },
  );
}
