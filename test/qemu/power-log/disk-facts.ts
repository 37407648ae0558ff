import { parseBootState } from '../../../partitions/boot-state.ts';
import { parseEnvBlock } from '../../../partitions/env-block.ts';
import { SLOTS, type Slot } from '../../../partitions/slot.ts';
import { footerOffset, SECTOR_BYTES } from '../../../partitions/slot-blob.ts';
import type { DiskShape } from './disk-shape.ts';
import { type DiskVerdict, judgeDisk, type SlotView } from './disk-verdict.ts';
import type { KnownRelease } from './known-release.ts';
import { type Counts, countsIndex } from './slot-ledger.ts';

/** Everything about a disk that decides which slot boots, small enough to be made up for every state of it. */
export interface DiskFacts {
  counts: Counts;
  /** Number of the content of each watched sector. */
  watched: Int32Array;
}

/** GRUB reads two sectors of environment block and one of digests, see partitions/slot-blob.ts. */
const GRUB_SECTORS = 2;
const FOOTER_SECTORS_READ = 3;
/** What GRUB's script asks for before it believes in a slot (check_slot of partitions/grub/grub.cfg). */
const NAMES_NEEDED = ['slot_kernel', 'slot_initrd', 'slot_verity'];

/**
 * The sectors whose very content GRUB goes by: the boot state, and of each slot the header and the part of the footer that it
 * reads, wherever a known release has it. Contents are numbered, so that equal ones are equal numbers.
 */
export class WatchedSectors {
  /** On the disk, in bytes. */
  readonly places_bytes: readonly number[];
  readonly #indexes = new Map<number, number>();
  readonly #contents: Uint8Array[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #shape: DiskShape;
  readonly #releases: readonly KnownRelease[];
  readonly #known: Uint8Array[];
  readonly #verdicts = new Map<string, DiskVerdict>();

  constructor(shape: DiskShape, releases: readonly KnownRelease[]) {
    this.#shape = shape;
    this.#releases = releases;
    const inSlot = new Set([0]);
    for (const { footer_bytes } of releases) {
      for (let sector = 0; sector < FOOTER_SECTORS_READ; sector += 1)
        inSlot.add(footer_bytes + sector * SECTOR_BYTES);
    }
    this.places_bytes = [
      shape.state_at_bytes,
      ...SLOTS.flatMap((slot) => [...inSlot].map((place) => shape.slots[slot].start_bytes + place)),
    ];
    for (const [index, place_bytes] of this.places_bytes.entries()) this.#indexes.set(place_bytes, index);
    this.#known = releases.map(({ footer_bytes, read }) =>
      Uint8Array.from(read(footer_bytes + GRUB_SECTORS * SECTOR_BYTES, SECTOR_BYTES)),
    );
  }

  /** Undefined for a sector that nobody watches. */
  indexOf(place_bytes: number): number | undefined {
    return this.#indexes.get(place_bytes);
  }

  numberOf(content: Uint8Array): number {
    const text = Buffer.from(content).toString('latin1');
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#contents.push(Uint8Array.from(content));
    this.#numbers.set(text, this.#contents.length - 1);
    return this.#contents.length - 1;
  }

  content(number: number): Uint8Array {
    return this.#contents[number] ?? new Uint8Array(SECTOR_BYTES);
  }

  state(facts: DiskFacts) {
    return parseBootState(this.#contentAt(this.#shape.state_at_bytes, facts));
  }

  /** The verdict; equal facts are judged once. */
  judge(facts: DiskFacts): DiskVerdict {
    let key = '';
    for (const number of facts.watched) key += `${number},`;
    for (const count of facts.counts) key += count === 0 ? '0' : '1';
    const known = this.#verdicts.get(key);
    if (known) return known;
    const slots = { A: this.view('A', facts), B: this.view('B', facts) };
    const verdict = judgeDisk(this.state(facts), slots);
    this.#verdicts.set(key, verdict);
    return verdict;
  }

  view(slot: Slot, facts: DiskFacts): SlotView {
    const zero = (release: number, kind: 0 | 1) =>
      facts.counts[countsIndex(slot, release, this.#releases.length) + kind] === 0;
    return {
      whole: this.#isWhole(slot, facts, (release) => zero(release, 1)),
      complete: this.#releases.find((_, release) => zero(release, 0))?.name,
    };
  }

  /**
   * What GRUB's check_slot comes to. Kernel and initrd have the digests of a list exactly when the list is that of a known release
   * and their bytes are its bytes.
   */
  #isWhole(slot: Slot, facts: DiskFacts, bootFilesOf: (release: number) => boolean): boolean {
    const { start_bytes } = this.#shape.slots[slot];
    const footer_bytes = footerOffset(this.#contentAt(start_bytes, facts));
    if (footer_bytes === undefined || this.indexOf(start_bytes + footer_bytes) === undefined) return false;
    const sector = (number: number) =>
      this.#contentAt(start_bytes + footer_bytes + number * SECTOR_BYTES, facts);
    const names = parseEnvBlock(Buffer.concat([sector(0), sector(1)]));
    if (!names || NAMES_NEEDED.some((name) => (names[name] ?? '') === '')) return false;
    const digests = sector(GRUB_SECTORS);
    return this.#known.some((known, release) => Buffer.compare(known, digests) === 0 && bootFilesOf(release));
  }

  #contentAt(place_bytes: number, facts: DiskFacts): Uint8Array {
    const index = this.#indexes.get(place_bytes);
    return this.content(index === undefined ? -1 : (facts.watched[index] ?? -1));
  }
}
