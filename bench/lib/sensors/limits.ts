/** Limits of the bench of the sensors, each with its reason. */

/** How long each load lasts, and how many take part. */
export interface Effort {
  load_ms: number;
  /** Sensors that are connected while memory is looked at. */
  connected: number;
  heal_samples: number;
  proof: ProofEffort;
}

/** A load at a given pace for a given time. */
export interface ProofEffort {
  sensors: number;
  per_s: number;
  seconds: number;
  /** Where the process is killed again and again. */
  kill_every_s: number;
}

/** 500 sensors and 2,000 events a second for ten minutes, killed each minute. */
const FULL_PROOF: ProofEffort = { sensors: 500, per_s: 2_000, seconds: 600, kill_every_s: 60 };
/** The same for two minutes: what the full test run has time for. */
export const LONGER_PROOF: ProofEffort = { ...FULL_PROOF, seconds: 120, kill_every_s: 20 };
export const SHORT_PROOF: ProofEffort = { sensors: 40, per_s: 600, seconds: 5, kill_every_s: 2 };

export const FULL_EFFORT: Effort = { load_ms: 10_000, connected: 500, heal_samples: 200, proof: FULL_PROOF };
/** A minute; its loads are short. */
export const QUICK_EFFORT: Effort = {
  ...{ load_ms: 3_000, connected: 100, heal_samples: 50 },
  proof: { sensors: 200, per_s: 1_000, seconds: 12, kill_every_s: 4 },
};

/** Sensors that send as fast as they are answered: enough that commits gather many. */
export const SENDERS = 64;
/** Events of one stream that are under way: a sensor that was offline sends what it has. */
export const WINDOW = 32;

/** What waits for an answer at the end of a load has this long. */
export const DRAIN_MS = 60_000;

/** Heavier use of memory at the end than at the beginning than this is growth, and not how a heap breathes. */
export const GROWTH_MAX = 0.25;

/** Far above what a load of the bench sends: the limits of one sensor or address are not what is measured. */
export const RATE_OFF_PER_S = 1_000_000;
