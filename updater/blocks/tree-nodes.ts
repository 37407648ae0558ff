import { BulkheadError } from '../../base/errors.ts';
import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';
import {
  blockHash,
  HASH_BYTES,
  HASHES_PER_BLOCK,
  type TreeLevel,
  treeLevels,
} from '../../partitions/verity-tree.ts';
import { type BaseSlot, fillFromBase, treeStart_bytes } from './base-slot.ts';
import { BASE_READ_BYTES } from './limits.ts';
import { type ByteRun, joinRuns } from './runs.ts';

/** Bytes of the `tree` section of a full bundle, counted from its start; `end_bytes` is not included. */
export type ReadTree = (start_bytes: number, end_bytes: number) => Promise<Uint8Array>;

/**
 * Nodes of the target's tree, each compared with its hash in the level above before anyone sees it. A node that the base
 * has at the same place costs nothing; only the used part of the others is fetched.
 */
export class TreeNodes {
  readonly #levels: readonly TreeLevel[];
  readonly #salt: Uint8Array;
  readonly #readTree: ReadTree;
  readonly #base: BaseSlot | undefined;
  readonly #baseLevels: readonly TreeLevel[];
  readonly #scratch = new Uint8Array(BASE_READ_BYTES);
  fetched_bytes = 0;

  constructor(data_blocks: number, salt: Uint8Array, readTree: ReadTree, base: BaseSlot | undefined) {
    this.#levels = treeLevels(data_blocks);
    this.#salt = salt;
    this.#readTree = readTree;
    this.#base = base;
    this.#baseLevels = base ? treeLevels(base.data_bytes / BLOCK_BYTES) : [];
  }

  /**
   * Nodes of one level that the base has, verified.
   *
   * @param level 0 for the leaf nodes
   * @param hashes of all nodes of the level
   * @param visit called with each; the bytes are valid until it returns
   * @returns numbers of the nodes that the base has not
   */
  async compare(
    level: number,
    hashes: Uint8Array,
    visit: (number: number, node: Uint8Array) => void,
  ): Promise<number[]> {
    const missing: number[] = [];
    const count = hashes.length / HASH_BYTES;
    const step = BASE_READ_BYTES / BLOCK_BYTES;
    for (let first = 0; first < count; first += step) {
      const nodes = await this.readBase(level, first, Math.min(step, count - first));
      for (let number = first; number < Math.min(first + step, count); number += 1) {
        const node = nodes.subarray((number - first) * BLOCK_BYTES, (number - first + 1) * BLOCK_BYTES);
        if (node.length > 0 && this.#agrees(node, hashes, number)) visit(number, node);
        else missing.push(number);
      }
    }
    return missing;
  }

  /**
   * Nodes of the base as they are on its disk, not verified: as many of `count` as its level has, and BASE_READ_BYTES hold. Valid
   * until the next call.
   */
  async readBase(level: number, first: number, count: number): Promise<Uint8Array> {
    const place = this.#baseLevels[level];
    const there = Math.max(0, Math.min(count, (place?.blocks ?? 0) - first));
    const nodes = this.#scratch.subarray(0, there * BLOCK_BYTES);
    if (this.#base && place && nodes.length > 0) {
      const start_bytes = treeStart_bytes(this.#base) + place.offset_bytes + first * BLOCK_BYTES;
      await fillFromBase(this.#base, start_bytes, nodes);
    }
    return nodes;
  }

  /**
   * Fetches nodes of one level.
   *
   * @param numbers ascending
   * @param hashes of all nodes of the level
   * @param visit called with each, padded to BLOCK_BYTES and verified; the bytes may be kept
   * @throws BulkheadError BLOCKS_TREE_MISMATCH; what reading throws
   */
  async fetch(
    level: number,
    numbers: readonly number[],
    hashes: Uint8Array,
    visit: (number: number, node: Uint8Array) => void,
  ): Promise<void> {
    let next = 0;
    for (const run of joinRuns(numbers.map((number) => this.#placeOf(level, number)))) {
      const bytes = await this.#readTree(run.start_bytes, run.end_bytes);
      this.fetched_bytes += bytes.length;
      for (let number = numbers[next]; number !== undefined; number = numbers[++next]) {
        const { start_bytes, end_bytes } = this.#placeOf(level, number);
        if (end_bytes > run.end_bytes) break;
        const node = new Uint8Array(BLOCK_BYTES);
        node.set(bytes.subarray(start_bytes - run.start_bytes, end_bytes - run.start_bytes));
        if (!this.#agrees(node, hashes, number)) throw mismatch(level, number);
        visit(number, node);
      }
    }
  }

  /**
   * One node, from the base if it has it.
   *
   * @throws BulkheadError BLOCKS_TREE_MISMATCH; what reading throws
   */
  async read(level: number, number: number, hashes: Uint8Array): Promise<Uint8Array> {
    const own = await this.readBase(level, number, 1);
    if (own.length > 0 && this.#agrees(own, hashes, number)) return own.slice();
    let fetched: Uint8Array = own;
    await this.fetch(level, [number], hashes, (_, node) => {
      fetched = node;
    });
    return fetched;
  }

  /** Where the used part of a node lies; behind it are zeros up to the end of its block. */
  #placeOf(level: number, number: number): ByteRun {
    const { offset_bytes = 0, hashes = 0 } = this.#levels[level] ?? {};
    const start_bytes = offset_bytes + number * BLOCK_BYTES;
    const used = Math.min(HASHES_PER_BLOCK, hashes - number * HASHES_PER_BLOCK);
    return { start_bytes, end_bytes: start_bytes + used * HASH_BYTES };
  }

  #agrees(node: Uint8Array, hashes: Uint8Array, number: number): boolean {
    const expected = hashes.subarray(number * HASH_BYTES, (number + 1) * HASH_BYTES);
    return Buffer.compare(blockHash(node, this.#salt), expected) === 0;
  }
}

function mismatch(level: number, number: number): BulkheadError {
  return new BulkheadError(
    'BLOCKS_TREE_MISMATCH',
    `node ${number} of level ${level} of the hash tree does not belong under the signed root hash`,
    { hint: 'the tree in the bundle on the server is damaged; the update goes on without single blocks' },
  );
}
