import type { BlobReader } from './blob-reader.ts';
import { BASE_WINDOW_BYTES } from './limits.ts';

/** Bytes on either side of a byte that models look at; outside of the base they are 0. */
const MARGIN_BYTES = 8;
/** Part of the window in front of the wanted byte, for short jumps back. */
const BEHIND_BYTES = BASE_WINDOW_BYTES / 4;

/** A part of the base in memory that moves to where it is needed. */
export class BaseWindow {
  readonly bytes = new Uint8Array(BASE_WINDOW_BYTES + 2 * MARGIN_BYTES);
  readonly #base: BlobReader;
  #start = 0;
  #end = 0;

  constructor(base: BlobReader) {
    this.#base = base;
  }

  /** Where in `bytes` the byte at `position` of the base is, with MARGIN_BYTES before and behind it. */
  index(position: number): number {
    if (position < this.#start || position >= this.#end) this.#load(position);
    return position - this.#start + MARGIN_BYTES;
  }

  /** Bytes from `position` on that `index` finds without moving the window. */
  room(position: number): number {
    return this.#end - position;
  }

  #load(position: number): void {
    const size = this.#base.size_bytes;
    this.#start = Math.max(0, position - BEHIND_BYTES);
    this.#end = Math.min(size, this.#start + BASE_WINDOW_BYTES);
    const first = Math.max(0, this.#start - MARGIN_BYTES);
    const last = Math.min(size, this.#end + MARGIN_BYTES);
    this.bytes.fill(0);
    this.bytes.set(this.#base.read(first, last - first), MARGIN_BYTES - (this.#start - first));
  }
}
