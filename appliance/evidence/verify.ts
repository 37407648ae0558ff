import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { BulkheadError, describeError } from '../../base/errors.ts';
import { parseEnvelope } from '../../base/signing/dsse.ts';
import {
  ChainCheck,
  type CheckOptions,
  type KnownRecord,
  type KnownRecords,
} from '../../protocol/evidence/chain-check.ts';
import type { ChainSummary } from '../../protocol/evidence/chain-state.ts';
import { readEndorsement } from '../../protocol/evidence/endorsed-key.ts';
import { type Fault, FaultFound } from '../../protocol/evidence/fault.ts';
import { openStatement, peekStatement } from '../../protocol/evidence/statement.ts';
import { EXPORT_MANIFEST, type ExportManifest } from '../../protocol/evidence/statements.ts';
import { FILES_MAX } from './limits.ts';
import { linesOf } from './read-lines.ts';
import { listChains, listSegments } from './segments.ts';

/** What a verification has found. */
export interface Verdict {
  whole: boolean;
  records: number;
  /** Chains as far as they are good. */
  chains: ChainSummary[];
  /** The first bad record; null: none is. */
  fault: Fault | null;
}

/** How the list of an export begins, and no record does. */
const MANIFEST_BEGIN = Buffer.from('{"payload"');

/**
 * Verifies an export, a folder of exports, or a copy of the folder that the log is kept in. Needs nothing but the files, reads them once, and
 * its memory does not grow with them.
 *
 * @throws BulkheadError EVIDENCE_FILE_UNREADABLE, EVIDENCE_NOTHING_TO_VERIFY: then nothing is known
 */
export async function verifyEvidence(path: string, options: CheckOptions): Promise<Verdict> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new BulkheadError('EVIDENCE_FILE_UNREADABLE', `there is no ${path}`);
  if (!stat.isDirectory()) return await verifyFiles([path], options);
  const segments = listChains(path).flatMap(listSegments);
  if (segments.length > 0)
    return await verifyFiles(
      segments.map((segment) => segment.path),
      options,
    );
  const exports = readdirSync(path)
    .filter((name) => name.endsWith('.jsonl'))
    .sort();
  if (exports.length === 0 || exports.length > FILES_MAX)
    throw new BulkheadError(
      'EVIDENCE_NOTHING_TO_VERIFY',
      `${path} holds ${exports.length} files of evidence (*.jsonl)`,
    );
  return await verifyEach(
    exports.map((name) => join(path, name)),
    options,
  );
}

/** Exports by themselves, and each held to the ends of those before it: two that say different things of one record are a fork. */
async function verifyEach(paths: readonly string[], options: CheckOptions): Promise<Verdict> {
  const all: Verdict = { whole: true, records: 0, chains: [], fault: null };
  const ends = new Map<string, Map<number, KnownRecord>>();
  for (const path of await byEnd(paths)) {
    const { records, chains, fault } = await verifyFiles([path], {
      ...options,
      known: merge(options.known, ends),
    });
    all.records += records;
    all.chains.push(...chains);
    if (fault !== null) return { ...all, whole: false, fault };
    for (const { chain, last_seq, last_hash } of chains) {
      const known: KnownRecord = { hash: last_hash, kind: 'fork', says: `${basename(path)} holds` };
      ends.set(chain, (ends.get(chain) ?? new Map<number, KnownRecord>()).set(last_seq, known));
    }
  }
  return all;
}

/** Files of one run of records, in their order. */
async function verifyFiles(paths: readonly string[], options: CheckOptions): Promise<Verdict> {
  let signer: string | null = null;
  let check = new ChainCheck(options);
  let records = 0;
  let at = { file: '', line: 0 };
  const found = (kind: Fault['kind'], message: string) =>
    new FaultFound({ kind, message, ...at, ...check.next() });
  try {
    for (const path of paths)
      for await (const { bytes, number, ended } of linesOf(path)) {
        at = { file: basename(path), line: number };
        if (number === 1 && records === 0 && startsWith(bytes, MANIFEST_BEGIN)) {
          const read = readManifest(bytes, options, found);
          signer = read.key_id;
          check = new ChainCheck(options, read.manifest);
          continue;
        }
        if (!ended) throw found('cut', 'the file ends in the middle of it');
        check.feed(bytes, at);
        records += 1;
      }
    const last = check.finish().at(-1);
    if (last === undefined) throw found('cut', 'there is no record');
    if (signer !== null && signer !== last.key.key_id)
      throw found(
        'manifest',
        'the list of the export is signed with another key than that of the newest chain',
      );
    return { whole: true, records, chains: check.summaries(), fault: null };
  } catch (error) {
    if (!(error instanceof FaultFound)) throw error;
    return { whole: false, records, chains: check.summaries(), fault: error.fault };
  }
}

function readManifest(
  line: Uint8Array,
  { device_keys }: CheckOptions,
  found: (kind: Fault['kind'], message: string) => FaultFound,
): { manifest: ExportManifest; key_id: string } {
  try {
    // There is one way to write it.
    parseEnvelope(line, EXPORT_MANIFEST.payload_type);
    const envelope: unknown = JSON.parse(Buffer.from(line).toString());
    const key = readEndorsement(peekStatement(EXPORT_MANIFEST, envelope).endorsement, device_keys);
    return { manifest: openStatement(EXPORT_MANIFEST, envelope, [key.public_key]), key_id: key.key_id };
  } catch (error) {
    throw found('manifest', `the list of the export is not to be trusted: ${describeError(error)}`);
  }
}

/** Those that end first come first, so that each is held to all that are shorter. A file without a list keeps its place by name. */
async function byEnd(paths: readonly string[]): Promise<string[]> {
  const ends = await Promise.all(
    paths.map(async (path) => {
      for await (const { bytes } of linesOf(path)) {
        try {
          const claim = peekStatement(EXPORT_MANIFEST, JSON.parse(Buffer.from(bytes).toString()));
          return { path, end: claim.chains.at(-1)?.last_seq ?? 0 };
        } catch {
          // Its own verification says what is wrong with it.
          break;
        }
      }
      return { path, end: 0 };
    }),
  );
  return ends.sort((one, other) => one.end - other.end).map(({ path }) => path);
}

function merge(known: KnownRecords | undefined, ends: KnownRecords): KnownRecords {
  const merged = new Map<string, Map<number, KnownRecord>>();
  for (const source of [ends, known ?? new Map()])
    for (const [chain, records] of source)
      merged.set(chain, new Map([...(merged.get(chain) ?? []), ...records]));
  return merged;
}

function startsWith(bytes: Uint8Array, begin: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, begin.length)).equals(begin);
}
