import type { HostFacts } from '../host-facts.ts';

/** bench/results/update.json. */
export interface UpdateResults {
  host: HostFacts;
  tools: { name: string; version: string }[];
  device: { backing: string; size_bytes: number };
  runs: number;
  /** Of full bundles and of zstd's files. */
  zstd_level: number;
  variants: VariantResult[];
  /** Of the transfers that were killed on a line of LINE_BYTES_PER_S: what it carried twice. */
  killed: { at_bytes: number; repeated_bytes: number }[];
}

export interface VariantResult {
  id: VariantId;
  title: string;
  /** What differs, in words. */
  change: string;
  changed_files: number;
  changed_bytes: number;
  base_bytes: number;
  target_bytes: number;
  /** Blocks of 4 KiB of the data area that are nowhere in the base's. */
  new_blocks: number;
  contestants: ContestantResult[];
}

export type VariantId = 'one-file' | 'same-length' | 'lengths' | 'libraries' | 'point-release';

export interface ContestantResult {
  name: string;
  kind: 'full' | 'delta' | 'blocks';
  /** What a box fetches in all. */
  fetched_bytes: number;
  /** `run`: installed on the loop device and compared. `made`: made, its length counted. `computed`: from its source, not run. */
  how: 'run' | 'made' | 'computed';
  note: string;
  /** Empty unless it was timed. */
  runs: Measurement[];
}

export interface Measurement {
  seconds: number;
  processor_s: number;
  /** The most memory of each process, added up. */
  peak_bytes: number;
  /** That reached the block device. */
  written_bytes: number;
  fetched_bytes: number;
  /** Of the computer, one minute, before it was started. */
  load: number;
  /** Ours alone: where in it the read-back began, and what of the memory was anonymous and file-backed at the end. */
  read_back_s?: number;
  anonymous_bytes?: number;
  file_bytes?: number;
}
