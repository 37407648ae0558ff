/** What one look finds, as plain data; judge.ts says what of it is an alarm. */
export interface AlarmFacts {
  at_ms: number;
  /** Approved appliances that have not been heard for long. */
  quiet: readonly QuietFact[];
  /** Whose last update did not work. */
  updates: readonly UpdateFact[];
  /** Who has reported lately, or has an alarm. */
  images: readonly ImageFact[];
  firewalls: readonly FirewallFact[];
  /** Null: not looked at this time. */
  drift: readonly DriftFact[] | null;
  /** Requests of appliances in the last minutes, at all coordinators together. */
  reports: { taken: number; refused: ReadonlyMap<string, number> };
  sign_ins_failed: number;
  braked: readonly { rollout: string; name: string; version: string; reason: string }[];
  /** Channels that messages do not get through. */
  channels: readonly { channel: string; name: string; error: string }[];
  /** Appliances whose evidence contradicts what was countersigned. */
  forks: readonly ForkFact[];
  /** Appliances at whose site something critical stays open. */
  lasting: readonly LastingFact[];
  /** Builds that do not come to an end. */
  stuck: readonly { id: string; project: string; waits: boolean }[];
  /** Projects whose last build failed. */
  failed: readonly FailedBuildFact[];
}

export interface FailedBuildFact {
  id: string;
  project_id: string;
  project: string;
  ref: string;
  code: string | null;
  message: string | null;
}

/** An appliance and what people call it. */
export interface Named {
  device: string;
  name: string;
}

export interface QuietFact extends Named {
  /** Null: never, since it was let in at `decided_ms`. */
  heard_ms: number | null;
  decided_ms: number;
  interval_s: number;
}

export interface ForkFact extends Named {
  chain: string;
  why: string;
}

export interface LastingFact extends Named {
  /** How many. */
  findings: number;
  /** Of the oldest. */
  check_type: string;
  hostname: string;
  since_ms: number;
}

export interface UpdateFact extends Named {
  /** What it runs. */
  running: string | null;
  /** What it should have become. */
  version: string;
  /** `rolled_back`, `failed`, `refused`, `unanswered`. */
  outcome: string;
  message: string | null;
}

export interface ImageFact extends Named {
  version: string;
  root_hash: string;
  /** Root hash of the release of that version here; null: there is no such release. */
  published: string | null;
}

export interface FirewallFact extends Named {
  current: string | null;
  /** What it has reported, oldest first. */
  reports: readonly ReportedChange[];
}

export interface ReportedChange {
  at_ms: number;
  changes: readonly { field: string; before: unknown; after: unknown }[];
}

export interface DriftFact extends Named {
  state: 'behind' | 'ahead' | 'unknown';
  running: string | null;
  desired: string;
  releases: number | null;
}
