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

/** Records that are here, newest first. What cannot be read is passed over: verifying is for saying what is wrong. */
export function listRecords(
  evidence: Evidence,
  { kind, chain, before, limit }: RecordQuery,
): EvidenceRecord[] {
  const found: EvidenceRecord[] = [];
  for (const folder of listChains(evidence.options.folder).reverse()) {
    if (chain !== undefined && folder.chain !== chain) continue;
    for (const { path } of listSegments(folder).reverse())
      for (const line of readLines(path).lines.reverse()) {
        if (found.length >= limit) return found;
        const record = readRecord(line);
        if (record === undefined || (before !== undefined && record.seq >= before)) continue;
        if (kind === undefined || record.kind === kind || record.kind.startsWith(`${kind}.`))
          found.push(record);
      }
  }
  return found;
}

function readRecord(line: Uint8Array): EvidenceRecord | undefined {
  try {
    return parseRecordLine(line).record;
  } catch {
    // See above.
    return undefined;
  }
}
