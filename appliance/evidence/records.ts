import { existsSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { type EvidenceRecord, parseRecordLine } from '../../protocol/evidence/record.ts';
import type { Evidence } from './evidence.ts';
import { listChains, listSegments, readLines } from './segments.ts';

export interface RecordQuery {
  /** `healing.ended`, or the part before the dot. */
  kind?: string | undefined;
  chain?: string | undefined;
  /** Only records with lower numbers. */
  before?: number | undefined;
  limit: number;
}

/**
 * Records that are here, newest first. What cannot be read is passed over: verifying is for saying what is wrong. Others go on between
 * two segments, and lines of other kinds are not parsed: one that is rare may be in the last of a hundred segments.
 */
export async function listRecords(
  evidence: Evidence,
  { kind, chain, before, limit }: RecordQuery,
): Promise<EvidenceRecord[]> {
  const found: EvidenceRecord[] = [];
  // Records are in canonical form, without white space (RFC 8785).
  const sign = kind === undefined ? null : `"kind":${JSON.stringify(kind).slice(0, -1)}`;
  for (const folder of listChains(evidence.options.folder).reverse()) {
    if (chain !== undefined && folder.chain !== chain) continue;
    for (const { path } of listSegments(folder).reverse()) {
      for (const line of linesOf(path).reverse()) {
        if (found.length >= limit) return found;
        if (sign !== null && !Buffer.from(line.buffer, line.byteOffset, line.length).includes(sign)) continue;
        const record = readRecord(line);
        if (record === undefined || (before !== undefined && record.seq >= before)) continue;
        if (kind === undefined || record.kind === kind || record.kind.startsWith(`${kind}.`))
          found.push(record);
      }
      await setImmediate();
    }
  }
  return found;
}

/** None where it has been retired meanwhile. */
function linesOf(path: string): Uint8Array[] {
  return existsSync(path) ? readLines(path).lines : [];
}

function readRecord(line: Uint8Array): EvidenceRecord | undefined {
  try {
    return parseRecordLine(line).record;
  } catch {
    // See above.
    return undefined;
  }
}
