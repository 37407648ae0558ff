import type { Disk } from '../../partitions/disks.ts';

/** The steps in the order in which they run. `look` decides and writes nothing. */
export const STEP_IDS = [
  'look',
  'identity',
  'wipe',
  'table',
  'slot',
  'compare',
  'loader',
  'data',
  'verify',
  'finish',
] as const;
export type StepId = (typeof STEP_IDS)[number];

export const STEP_TITLES: Readonly<Record<StepId, string>> = {
  look: 'Look at this machine',
  identity: 'Keep the identity',
  wipe: 'Wipe old tables',
  table: 'Write the partition table',
  slot: 'Write slot A',
  compare: 'Read slot A back and compare',
  loader: 'Install the boot loader',
  data: 'Make the data partition',
  verify: 'Check everything from the disk',
  finish: 'Mark as complete',
};

/** Everything that happens, as it happens; one line of `--json` each, and all that the screens know. */
export type InstallEvent =
  | { event: 'step'; step: StepId; state: 'started' | 'done' | 'skipped' }
  | {
      event: 'progress';
      step: StepId;
      done_bytes: number;
      total_bytes: number;
      bytes_per_s: number;
      /** Null while it is not known. */
      left_s: number | null;
    }
  /** A fact worth keeping, as one or more lines. */
  | { event: 'note'; text: string }
  | { event: 'chosen'; version: string; machine: string; target: Disk }
  | { event: 'failed'; step: StepId; code: string; headline: string; reason: string; advice: string }
  | { event: 'finished'; version: string; target: string; seconds: number; next: string };

export type Emit = (event: InstallEvent) => void;
