/** Limits of the bench of the coordinator, each with its reason. */

/** How large the fleets are, and how long each load lasts. */
export interface Effort {
  sizes: readonly number[];
  load_ms: number;
  /** Requests of each page of the fleet: with a hundred the 99th per cent is one that was seen. */
  page_samples: number;
  enrolments: number;
}
export const FULL_EFFORT: Effort = {
  ...{ sizes: [1_000, 10_000, 100_000], load_ms: 10_000 },
  ...{ page_samples: 100, enrolments: 5_000 },
};
/** Minutes, most of them for making keys; its numbers are of small fleets and short loads. */
export const QUICK_EFFORT: Effort = {
  ...{ sizes: [500, 2_000], load_ms: 2_000 },
  ...{ page_samples: 20, enrolments: 300 },
};

/** Appliances that take part in a load: each may send only so often (KEY_BURST), and each needs its requests made beforehand. */
export const SENDERS_MAX = 10_000;
/** Of a sender in one load, below KEY_BURST. */
export const ROUNDS_MAX = 20;

/** Requests under way at one time: enough that batches form, few enough that the queue is not what is measured. */
export const CONNECTIONS = 64;

/** Half a second of arithmetic: long against the 10 ms in which the kernel counts processor time. */
export const CEILING_MS = 500;

/** A server from source is up in a second; on a busy computer in ten. */
export const START_TIMEOUT_MS = 60_000;

/** More than all appliances of a load can send; then it is a hang. */
export const LOAD_TIMEOUT_MS = 10 * 60_000;

/** Of the issue: heartbeats per second and core with a session key. */
export const SESSION_TARGET_PER_S = 14_000;
