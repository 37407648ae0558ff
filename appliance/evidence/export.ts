import { createReadStream } from 'node:fs';
import { BulkheadError } from '../../base/errors.ts';
import { EXPORT_CHAINS_MAX } from '../../protocol/evidence/limits.ts';
import { sealStatement } from '../../protocol/evidence/statement.ts';
import { EXPORT_MANIFEST, type ExportManifest } from '../../protocol/evidence/statements.ts';
import type { Evidence } from './evidence.ts';
import { readSegment } from './recover.ts';
import { firstRecord } from './segment-facts.ts';
import { type ChainFolder, listChains, listSegments, readLines, type SegmentFile } from './segments.ts';

/** What is in an export: the list, and the files whose content follows it. */
export interface ExportPlan {
  manifest: ExportManifest;
  files: readonly SegmentFile[];
}

/**
 * What an export of now would hold: all that is here, or one chain.
 *
 * @throws BulkheadError EVIDENCE_CHAIN_UNKNOWN
 */
export function planExport(evidence: Evidence, chain?: string): ExportPlan {
  const { writer, options } = evidence;
  const wanted = listChains(options.folder)
    .filter((folder) => chain === undefined || folder.chain === chain)
    .slice(-EXPORT_CHAINS_MAX)
    .filter((folder) => listSegments(folder).length > 0);
  if (wanted.length === 0)
    throw new BulkheadError('EVIDENCE_CHAIN_UNKNOWN', `there is no chain ${chain} here`, {
      hint: "'bulkhead evidence status' lists them",
    });
  const files = wanted.flatMap(listSegments).map((file) =>
    // What is being written now is not part of it.
    file.path === currentPath(evidence, file) ? { ...file, size_bytes: writer.segment.size_bytes } : file,
  );
  const chains = wanted.map((folder) => {
    const [first] = listSegments(folder);
    const first_seq = (first && firstRecord(first.path)?.seq) ?? 1;
    const { seq: last_seq, hash: last_hash } = endOf(evidence, folder);
    return { chain: folder.chain, first_seq, last_hash, last_seq };
  });
  return {
    manifest: { at: options.now().toISOString(), chains, endorsement: options.key.endorsement, format: 1 },
    files,
  };
}

/** The bytes of an export: a line with the signed list, then the records as they are. Reads as fast as it is read. */
export async function* exportBytes(
  evidence: Evidence,
  { manifest, files }: ExportPlan,
): AsyncGenerator<Uint8Array> {
  const envelope = sealStatement(EXPORT_MANIFEST, manifest, evidence.options.key.signer);
  yield Buffer.from(`${JSON.stringify(envelope)}\n`);
  for (const { path, size_bytes } of files)
    for await (const chunk of createReadStream(path, { end: size_bytes - 1 })) yield chunk as Uint8Array;
}

function currentPath({ writer }: Evidence, { chain, segment, path }: SegmentFile): string | null {
  return chain === writer.state.chain && segment === writer.segment.number ? path : null;
}

/** The last good record of a chain. */
function endOf({ writer }: Evidence, folder: ChainFolder): { seq: number; hash: string } {
  if (folder.chain === writer.state.chain) return writer.state.head;
  const last = listSegments(folder).at(-1);
  const state = last && readSegment(last.path, readLines(last.path).lines).state;
  return state?.head ?? { seq: 1, hash: '0'.repeat(64) };
}
