import type { ByteRange } from './answer.ts';
import { GIVERS_MAX } from './limits.ts';
import type { Mirror } from './mirrors.ts';

/** Which mirror gave which bytes lately, so that the right one is blamed when they turn out to be wrong. */
export class Givers {
  #given: (ByteRange & { mirror: Mirror })[] = [];

  note(start_bytes: number, size_bytes: number, mirror: Mirror): void {
    const end_bytes = start_bytes + size_bytes;
    const last = this.#given.at(-1);
    if (last?.mirror === mirror && last.end_bytes === start_bytes) last.end_bytes = end_bytes;
    else this.#given.push({ start_bytes, end_bytes, mirror });
    if (this.#given.length > GIVERS_MAX) this.#given.shift();
  }

  /** Those that gave a part of a range since it was last asked about. */
  of(range: ByteRange): Mirror[] {
    const touches = ({ start_bytes, end_bytes }: ByteRange) =>
      start_bytes < range.end_bytes && end_bytes > range.start_bytes;
    const givers = new Set(this.#given.filter(touches).map(({ mirror }) => mirror));
    this.#given = this.#given.filter((given) => !touches(given));
    return [...givers];
  }
}
