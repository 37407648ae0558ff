import { BulkheadError } from '../../base/errors.ts';
import { BLOCK_BYTES } from '../../partitions/slot-blob.ts';
import { type ByteSource, readRange } from '../source.ts';
import { GROUP_BLOCKS } from './limits.ts';
import { PACKED_MAGIC, packedLayout } from './packed-format.ts';
import { type ByteRun, joinRuns } from './runs.ts';

/** A file of packed blocks on a server, with what is known of where in it blocks are. Nothing of it is trusted. */
export class PackedFile {
  readonly source: ByteSource;
  readonly #size_bytes: number;
  readonly #layout: ReturnType<typeof packedLayout>;
  /** Where each block of a group is stored, of the groups that were looked up; one place more than blocks. */
  readonly #groups = new Map<number, Float64Array>();
  /** Of the head, so far. */
  fetched_bytes = 0;

  private constructor(source: ByteSource, size_bytes: number, data_blocks: number) {
    this.source = source;
    this.#size_bytes = size_bytes;
    this.#layout = packedLayout(data_blocks);
  }

  /** Undefined where the file is none of packed blocks: without it there is still the bundle. */
  static async open(source: ByteSource, data_blocks: number): Promise<PackedFile | undefined> {
    const size_bytes = await source.size_bytes();
    const file = new PackedFile(source, size_bytes, data_blocks);
    if (size_bytes < file.#layout.head_bytes) return undefined;
    const magic = await readRange(source, 0, PACKED_MAGIC.length);
    return Buffer.from(magic).toString('latin1') === PACKED_MAGIC ? file : undefined;
  }

  /**
   * Looks up where the blocks of some groups are, in as few requests as it pays.
   *
   * @param groups ascending
   * @throws BulkheadError BLOCKS_FILE_INVALID; what the source throws
   */
  async lookUp(groups: readonly number[]): Promise<void> {
    const unknown = groups.filter((group) => !this.#groups.has(group));
    const lengths = await this.#read(unknown.map((group) => this.#layout.lengthsOf(group)));
    const places = await this.#read(unknown.map((group) => this.#layout.placeOf(group)));
    for (const [at, group] of unknown.entries()) {
      const [own, place] = [lengths[at], places[at]];
      if (own && place) this.#groups.set(group, this.#placesOf(own, Number(place.readBigUInt64LE()), group));
    }
  }

  /** Where a block is stored. Its group was looked up. @throws BulkheadError BLOCKS_FILE_INVALID */
  placeOf(block: number): ByteRun {
    const places = this.#groups.get(Math.floor(block / GROUP_BLOCKS));
    const [start_bytes, end_bytes] = [places?.[block % GROUP_BLOCKS], places?.[(block % GROUP_BLOCKS) + 1]];
    if (start_bytes === undefined || end_bytes === undefined) throw this.#invalid(`no block ${block}`);
    return { start_bytes, end_bytes };
  }

  /**
   * What has to be asked for to get some blocks, in order.
   *
   * @param blocks ascending
   * @throws BulkheadError BLOCKS_FILE_INVALID; what the source throws
   */
  async runsOf(blocks: Iterable<number>): Promise<ByteRun[]> {
    const numbers = [...blocks];
    await this.lookUp([...new Set(numbers.map((block) => Math.floor(block / GROUP_BLOCKS)))]);
    const stretches = numbers.map((block) => this.placeOf(block));
    const disorder = stretches.some(
      ({ start_bytes }, at) => start_bytes < (stretches[at - 1]?.end_bytes ?? 0),
    );
    if (disorder) throw this.#invalid('its groups in disorder');
    return joinRuns(stretches);
  }

  #placesOf(lengths: Buffer, start_bytes: number, group: number): Float64Array {
    const places = new Float64Array(lengths.length / 2 + 1);
    let place_bytes = start_bytes;
    for (let block = 0; block < places.length - 1; block += 1) {
      places[block] = place_bytes;
      const length = lengths.readUInt16LE(block * 2);
      if (length < 1 || length > BLOCK_BYTES) throw this.#invalid(`a block of ${length} bytes`);
      place_bytes += length;
    }
    places[places.length - 1] = place_bytes;
    if (start_bytes < this.#layout.head_bytes || place_bytes > this.#size_bytes)
      throw this.#invalid(`group ${group} outside of it`);
    return places;
  }

  /** @param stretches ascending */
  async #read(stretches: readonly ByteRun[]): Promise<Buffer[]> {
    const found: Buffer[] = [];
    for (const run of joinRuns(stretches)) {
      const bytes = Buffer.from(await readRange(this.source, run.start_bytes, run.end_bytes));
      this.fetched_bytes += bytes.length;
      for (let next = stretches[found.length]; next; next = stretches[found.length]) {
        if (next.end_bytes > run.end_bytes) break;
        found.push(bytes.subarray(next.start_bytes - run.start_bytes, next.end_bytes - run.start_bytes));
      }
    }
    return found;
  }

  #invalid(what: string): BulkheadError {
    return new BulkheadError('BLOCKS_FILE_INVALID', `${this.source.name} promises ${what}`, {
      hint: 'the file of blocks on the server is damaged; publish it again',
    });
  }
}
