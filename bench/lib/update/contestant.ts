import type { ReleaseServer } from '../../../test/qemu/harness/release-server.ts';
import type { Effort } from './limits.ts';
import type { Stage } from './measure.ts';
import type { ContestantResult } from './results.ts';
import type { BenchSlot, VariantSlot } from './slots.ts';

/** What every contestant is given. */
export interface Arena {
  /** Folder of the bench: base.slot, VARIANT.slot, and what contestants make; served over HTTP. */
  work: string;
  device: string;
  base: BenchSlot;
  effort: Effort;
  server: ReleaseServer;
  say(text: string): void;
}

/** One way to bring a release to a box. */
export interface Contestant extends Pick<ContestantResult, 'name' | 'kind'> {
  /** Said of every result: how it was made and run. */
  note: string;
  /** Only its seconds are of interest: it takes no part in what is not timed. */
  onlyTimed?: true;
  /** Makes what would be published, outside the measured time. Undefined where it cannot take part here. */
  prepare(slot: VariantSlot): Promise<Prepared | undefined>;
}

export interface Prepared {
  how: ContestantResult['how'];
  /** Without a run: the length of what was made, or what was computed. */
  fetched_bytes: number;
  /** Puts the target on the device. Absent where it is not run. */
  stages?: readonly Stage[];
  /** What a run fetched; that of `fetched_bytes` where it is absent. */
  fetchedOf?: (printed: string) => number;
  /** More to measure, out of what was printed. */
  detail?: (printed: string) => Partial<ContestantResult['runs'][number]>;
  /** Before and after each run, outside its time: takes away what one left behind, begins to count anew. */
  reset?: () => void;
}
