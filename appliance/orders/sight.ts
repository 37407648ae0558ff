import type { PastUpdate, PendingUpdate, UpdateProgress } from '../../updater/state/records.ts';
import type { PowerAnswer } from '../power/request.ts';

/** What is seen of the machine at one moment: all that decides about orders beside the book. */
export interface Sight {
  now_ms: number;
  boot_id: string;
  /** Of this process. */
  run_id: string;
  /** Names of orders that this process is doing. */
  doing: ReadonlySet<string>;
  /** The health gate has spoken in this boot: until then a restart costs an attempt, and nothing can be installed. */
  judged: boolean;
  /** The slot that runs and was kept, with its release; null while it is on trial, given up, or not known. */
  committed: { slot: string; version: string } | null;
  /** Whether the appliance may reboot now. */
  window_open: boolean;
  update: UpdateRecords;
  power: PowerRecords;
}

/** An update leaves the one only when it is in the next, so whoever reads them in this order sees it somewhere. */
export interface UpdateRecords {
  /** Order in the request file. */
  asked: string | null;
  /** Order of the request that the updater works on. */
  taken: string | null;
  progress: UpdateProgress | null;
  pending: PendingUpdate | null;
  /** Latest first. */
  history: readonly PastUpdate[];
}

export interface PowerRecords {
  asked: string | null;
  /** To the last request of this boot. */
  answer: PowerAnswer | null;
}
