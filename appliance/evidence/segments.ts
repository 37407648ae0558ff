import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The folder of the evidence: a folder for each chain, numbered in the order in which they began, and in it a file for each segment.
 *
 *     0001-9f…/000001.jsonl
 */
export interface ChainFolder {
  /** From 1. */
  number: number;
  chain: string;
  path: string;
}

export interface SegmentFile {
  chain: string;
  segment: number;
  path: string;
  size_bytes: number;
}

const CHAIN_NAME = /^(\d{4})-([0-9a-f]{32})$/;
const SEGMENT_NAME = /^(\d{6})\.jsonl$/;

export function chainFolder(folder: string, number: number, chain: string): ChainFolder {
  return { number, chain, path: join(folder, `${String(number).padStart(4, '0')}-${chain}`) };
}

export function segmentPath({ path }: Pick<ChainFolder, 'path'>, segment: number): string {
  return join(path, `${String(segment).padStart(6, '0')}.jsonl`);
}

/** Oldest first. */
export function listChains(folder: string): ChainFolder[] {
  return namesIn(folder, (entry) => entry.isDirectory(), CHAIN_NAME).map(([, number, chain = '']) =>
    chainFolder(folder, Number(number), chain),
  );
}

/** Oldest first. */
export function listSegments(chain: ChainFolder): SegmentFile[] {
  return namesIn(chain.path, (entry) => entry.isFile(), SEGMENT_NAME).map(([, number]) => {
    const path = segmentPath(chain, Number(number));
    return { chain: chain.chain, segment: Number(number), path, size_bytes: statSync(path).size };
  });
}

/** The lines of a segment, without their line breaks; what is behind the last line break is `torn`. */
export function readLines(path: string): { lines: Uint8Array[]; torn: Uint8Array } {
  const bytes = readFileSync(path);
  const lines: Uint8Array[] = [];
  let from = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
    lines.push(bytes.subarray(from, at));
    from = at + 1;
  }
  return { lines, torn: bytes.subarray(from) };
}

function namesIn(folder: string, wanted: (entry: Dirent) => boolean, name: RegExp): RegExpExecArray[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(wanted)
    .map((entry) => name.exec(entry.name))
    .filter((match) => match !== null)
    .sort((one, other) => (one[0] < other[0] ? -1 : 1));
}
