import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { Value } from '@sinclair/typebox/value';
import { SegmentStarted } from '../../protocol/evidence/bodies.ts';
import { RECORD_MAX_BYTES } from '../../protocol/evidence/limits.ts';
import { type EvidenceRecord, parseRecordLine } from '../../protocol/evidence/record.ts';
import type { SegmentFacts } from '../../protocol/evidence/statements.ts';
import { readSegment } from './recover.ts';
import { readLines, type SegmentFile } from './segments.ts';

/**
 * What a finished segment is known by: as the segment behind it says, or else (it is the last of a chain that has ended) as it reads.
 * Null: the file is not that, and stays here for people to look at.
 *
 * @param all of its chain
 */
export function factsOfSegment(
  { path, segment }: SegmentFile,
  all: readonly SegmentFile[],
): SegmentFacts | null {
  const next = all.find((one) => one.segment === segment + 1);
  const body = next === undefined ? undefined : firstRecord(next.path)?.body;
  if (body !== undefined && Value.Check(SegmentStarted, body)) {
    const bytes = readFileSync(path);
    const { sha256, size_bytes } = body.before;
    const isIt = bytes.length === size_bytes && createHash('sha256').update(bytes).digest('hex') === sha256;
    return isIt ? body.before : null;
  }
  const { lines, torn } = readLines(path);
  const { state, fault } = readSegment(path, lines);
  return fault === null && torn.length === 0 ? (state?.segment() ?? null) : null;
}

/** Undefined when the file does not begin with a record. */
export function firstRecord(path: string): EvidenceRecord | undefined {
  const bytes = Buffer.alloc(RECORD_MAX_BYTES);
  const file = openSync(path, 'r');
  try {
    const got = bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0));
    return parseRecordLine(got.subarray(0, got.indexOf(10))).record;
  } catch {
    // The reader of the whole file says what is wrong with it.
    return undefined;
  } finally {
    closeSync(file);
  }
}
