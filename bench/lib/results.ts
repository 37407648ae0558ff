import type { BootPhase } from './boot-phases.ts';
import type { Builds } from './builds.ts';
import type { MemoryUse } from './contestants.ts';
import type { HostFacts } from './host-facts.ts';
import { median, round } from './statistics.ts';
import type { TimedBoot } from './timed-boot.ts';

/**
 * bench/results/machine.json. What a run leaves out stays from the run before, with the circumstances of that one; what was never
 * measured is absent.
 */
export interface MachineResults {
  image: ImageSizes;
  boots?: Measured<BootResults>;
  builds?: Measured<Builds>;
}

export type Measured<Part> = Part & { host: HostFacts };

export interface ImageSizes {
  version: string;
  revision: string;
  iso_bytes: number;
  slot_bytes: number;
  program_bytes: number;
}

export interface BootResults {
  image: { version: string; revision: string };
  memory_mb: number;
  bulkhead: Side & { memory: MemoryUse & { agent_bytes: number }; phases: BootPhase[] };
  debian: Side & { memory: MemoryUse; packages: number; kernel: string };
  /** Median of ours over median of the peer's; below 1 is faster. */
  page_ratio: number;
  /** The same of processor time: what to look at when the computer was not idle. */
  page_processor_ratio: number;
}

export interface Side {
  /** Makes keys, grows file systems; not in the ratio. */
  first: TimedBoot;
  runs: TimedBoot[];
  page_median_s: number;
  page_processor_median_s: number;
  settled_median_s: number;
}

/** @param runs at least one */
export function summarise(first: TimedBoot, runs: readonly TimedBoot[]): Side {
  return {
    first,
    runs: [...runs],
    page_median_s: round(median(runs.map((run) => run.page_s)), 2),
    page_processor_median_s: round(median(runs.map((run) => run.page_processor_s)), 2),
    settled_median_s: round(median(runs.map((run) => run.settled_s)), 2),
  };
}
