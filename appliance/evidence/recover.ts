import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { fsyncFolder } from '../../base/atomic-file.ts';
import { describeError } from '../../base/errors.ts';
import { ChainCheck } from '../../protocol/evidence/chain-check.ts';
import type { ChainState } from '../../protocol/evidence/chain-state.ts';
import { FaultFound } from '../../protocol/evidence/fault.ts';
import { ChainPlace } from '../../protocol/evidence/statements.ts';
import { SMALL_FILE_MAX_BYTES } from './limits.ts';
import { type ChainFolder, listSegments, readLines } from './segments.ts';

/** How far the log has told somebody that it is on the disk: a lower bound, because it is not flushed by itself. */
const Acknowledged = t.Object({ ...ChainPlace.properties });

export type Recovered =
  /** It goes on behind `state.head`. `cut_bytes`: what was taken away because it had never been acknowledged. */
  | { how: 'whole'; state: ChainState; segment: number; cut_bytes: number }
  /** It was begun, and nothing was ever written. */
  | { how: 'hollow' }
  /** It cannot go on: nothing of it was touched. `last`: the last good record, where there is one. */
  | { how: 'damaged'; reason: string; last: ChainPlace | null };

export function acknowledgedFile(folder: string): string {
  return join(folder, 'acknowledged');
}

/**
 * The last chain as it was left. Its last segment is verified whole. Behind its last line break stands what a crash has torn: it was never
 * acknowledged, because that is done when the line is flushed with its break, and it is cut off. Anything else that is wrong is damage,
 * and stays as it is for people to look at.
 */
export function recoverChain(folder: string, chain: ChainFolder): Recovered {
  const told = readAcknowledged(folder, chain.chain);
  const hollow: string[] = [];
  for (const { path, segment } of listSegments(chain).reverse()) {
    const { lines, torn } = readLines(path);
    const { state, fault } = readSegment(path, lines);
    if (lines.length === 0) {
      // Made, and nothing whole was written into it: as if it had never been.
      hollow.push(path);
      continue;
    }
    const lost = told !== null && state !== undefined && told.seq > state.head.seq;
    const reason =
      fault ?? (lost ? `${path}: record ${told.seq}, which was on the disk, is not there` : null);
    if (reason !== null || state === undefined)
      return {
        ...{ how: 'damaged', reason: reason ?? `${path} cannot be read` },
        last: state === undefined ? told : { chain: chain.chain, ...state.head },
      };
    for (const made of hollow) rmSync(made);
    if (torn.length > 0) cut(path, torn.length);
    fsyncFolder(chain.path);
    return { how: 'whole', state, segment, cut_bytes: torn.length };
  }
  return told === null ? { how: 'hollow' } : { how: 'damaged', reason: 'its records are gone', last: told };
}

/** The records of one segment, verified. */
export function readSegment(
  path: string,
  lines: readonly Uint8Array[],
): { state: ChainState | undefined; fault: string | null } {
  const check = new ChainCheck({ device_keys: [], coordinator_keys: [], partial: true });
  try {
    lines.forEach((line, at) => {
      check.feed(line, { file: path, line: at + 1 });
    });
    check.finish();
    return { state: check.last, fault: null };
  } catch (error) {
    if (!(error instanceof FaultFound)) throw error;
    return { state: check.last, fault: `${path}, line ${error.fault.line}: ${describeError(error)}` };
  }
}

function readAcknowledged(folder: string, chain: string): ChainPlace | null {
  const path = acknowledgedFile(folder);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat || stat.size > SMALL_FILE_MAX_BYTES) return null;
  try {
    const told: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return Value.Check(Acknowledged, told) && told.chain === chain ? told : null;
  } catch {
    // A lower bound that cannot be read is none.
    return null;
  }
}

function cut(path: string, torn_bytes: number): void {
  const file = openSync(path, 'r+');
  try {
    ftruncateSync(file, statSync(path).size - torn_bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
