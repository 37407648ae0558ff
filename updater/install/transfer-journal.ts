import { createHash } from 'node:crypto';
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { fsyncFolder } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import { Pattern, SlotName } from '../../base/schema.ts';
import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';
import { HASH_BYTES } from '../../partitions/verity-tree.ts';
import { Method } from '../state/records.ts';

/**
 * How far a transfer into a slot has come, so that it goes on after a reboot: one JSON object a line, appended, and
 * synchronised now and then. Nothing in it is trusted: what it claims to be on the disk is read and hashed again before it counts,
 * and the whole slot is held to the signed root hash in the end. So a line may reach the disk before what it tells of.
 */

const Hex256 = Pattern(/^[0-9a-f]{64}$/);
const Head = t.Object(
  {
    format: t.Literal(1),
    /** Of the bundle whose pieces are counted (a full one or a delta). */
    bundle: Hex256,
    /** The way it was taken apart: groups of blocks are not the pieces of the payload. */
    method: Method,
    slot: SlotName,
  },
  { additionalProperties: false },
);
const Checkpoint = t.Object(
  {
    pieces: t.Integer({ minimum: 1 }),
    position_bytes: t.Integer({ minimum: 1 }),
    /** SHA-256 of the leaf hashes of the blocks since the checkpoint before. */
    leaves_sha256: Hex256,
    /** Base64: what belongs to a block that is not complete. */
    rest: t.String(),
    /** Base64, in the first checkpoint only: the block that is not on the disk. */
    first: t.Optional(t.String()),
  },
  { additionalProperties: false },
);
export type TransferHead = (typeof Head)['static'];
type CheckpointLine = (typeof Checkpoint)['static'];

/** Where a transfer stood when it was written down. */
export interface Checkpoint {
  /** Pieces that were taken. */
  pieces: number;
  position_bytes: number;
  rest: Uint8Array;
  leaves_sha256: string;
}

export interface TransferRecord {
  head: TransferHead;
  firstBlock: Uint8Array;
  /** Each further than the one before. */
  checkpoints: Checkpoint[];
}

/** Blocks of the data area that are on the disk at a position of the target stream. */
export function wholeBlocks(position_bytes: number, data_bytes: number): number {
  return Math.floor(Math.min(position_bytes, data_bytes) / BLOCK_BYTES);
}

/** What is written down, or undefined when nothing is, or nothing that can be used. A torn last line is left out. */
export function readTransfer(path: string): TransferRecord | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    // No transfer was begun. One whose journal cannot be read starts over, which is always right.
    return undefined;
  }
  const lines = text.split('\n').map(parseLine);
  const head = lines.shift();
  if (!Value.Check(Head, head)) return undefined;
  const checkpoints: Checkpoint[] = [];
  let first: string | undefined;
  for (const line of lines) {
    if (!Value.Check(Checkpoint, line)) break;
    first ??= line.first;
    const { pieces, position_bytes, leaves_sha256 } = line;
    checkpoints.push({ pieces, position_bytes, leaves_sha256, rest: Buffer.from(line.rest, 'base64') });
  }
  const firstBlock = Buffer.from(first ?? '', 'base64');
  const rising = checkpoints.every(({ pieces, position_bytes }, at) => {
    const before = checkpoints[at - 1];
    return !before || (pieces > before.pieces && position_bytes > before.position_bytes);
  });
  return rising && firstBlock.length === BLOCK_BYTES ? { head, firstBlock, checkpoints } : undefined;
}

export class TransferJournal {
  readonly #path: string;
  readonly #data_bytes: number;
  #hashed_blocks = 0;
  #entries = 0;
  #file: number | undefined;

  constructor(path: string, data_bytes: number) {
    this.#path = path;
    this.#data_bytes = data_bytes;
  }

  /**
   * Begins anew, or goes on behind the checkpoints that were found to be true.
   *
   * @throws BulkheadError UPDATE_STATE_UNWRITABLE, as all the others do but `close`
   */
  begin(head: TransferHead, kept?: TransferRecord): void {
    const lines: unknown[] = [head];
    for (const [number, { rest, ...checkpoint }] of (kept?.checkpoints ?? []).entries()) {
      const line: CheckpointLine = { ...checkpoint, rest: Buffer.from(rest).toString('base64') };
      if (number === 0 && kept) line.first = Buffer.from(kept.firstBlock).toString('base64');
      lines.push(line);
    }
    this.#attempt(() => {
      mkdirSync(dirname(this.#path), { recursive: true });
      this.#file = openSync(this.#path, 'w', 0o600);
      append(this.#file, lines);
      fdatasyncSync(this.#file);
      fsyncFolder(dirname(this.#path));
    });
    const last = kept?.checkpoints.at(-1);
    this.#entries = kept?.checkpoints.length ?? 0;
    this.#hashed_blocks = last ? wholeBlocks(last.position_bytes, this.#data_bytes) : 0;
  }

  /** Everything up to here was taken by the disk. A reader sees the line at once; after a power cut what `flush` was called for. */
  add(
    pieces: number,
    stand: { position_bytes: number; rest: Uint8Array; firstBlock: Uint8Array },
    leaves: Uint8Array,
  ): void {
    const blocks = wholeBlocks(stand.position_bytes, this.#data_bytes);
    // The first checkpoint has to carry the first block, so there is none before it.
    if (blocks === 0) return;
    const line: CheckpointLine = {
      pieces,
      position_bytes: stand.position_bytes,
      leaves_sha256: digestOfLeaves(leaves, this.#hashed_blocks, blocks),
      rest: Buffer.from(stand.rest).toString('base64'),
    };
    if (this.#entries === 0) line.first = Buffer.from(stand.firstBlock).toString('base64');
    this.#attempt(() => append(this.#opened(), [line]));
    this.#hashed_blocks = blocks;
    this.#entries += 1;
  }

  /** Returns when what was added is durable. */
  async flush(): Promise<void> {
    try {
      await synchronise(this.#opened());
    } catch (cause) {
      throw this.#unwritable(cause);
    }
  }

  /** What is written down stays. Not while it is flushed. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  remove(): void {
    this.close();
    this.#attempt(() => {
      rmSync(this.#path, { force: true });
      fsyncFolder(dirname(this.#path));
    });
  }

  #attempt(step: () => void): void {
    try {
      step();
    } catch (cause) {
      throw this.#unwritable(cause);
    }
  }

  #opened(): number {
    if (this.#file === undefined) throw new Error('the journal was not begun');
    return this.#file;
  }

  #unwritable(cause: unknown): BulkheadError {
    return new BulkheadError(
      'UPDATE_STATE_UNWRITABLE',
      `cannot write the journal of the transfer to ${this.#path}`,
      { cause, hint: 'the data partition is full, read-only or damaged: df, dmesg' },
    );
  }
}

const synchronise = promisify(fdatasync);

function append(file: number, lines: readonly unknown[]): void {
  const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
}

/** SHA-256 of the leaf hashes from one block up to, not including, another. */
export function digestOfLeaves(leaves: Uint8Array, from_block: number, to_block: number): string {
  return createHash('sha256')
    .update(leaves.subarray(from_block * HASH_BYTES, to_block * HASH_BYTES))
    .digest('hex');
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // Torn by a power cut, or the empty end: the lines before it stand.
    return undefined;
  }
}
