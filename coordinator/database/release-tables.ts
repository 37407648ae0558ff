import type { RolloutIntent } from '../rollouts/intent.ts';
import type { Member, Phase } from '../rollouts/plan.ts';

/** Tables of artifacts, releases and rollouts; see tables.ts for what holds for all. */
export interface ReleaseTables {
  artifacts: ArtifactRow;
  release_keysets: KeysetRow;
  releases: ReleaseRow;
  release_files: ReleaseFileRow;
  rollouts: RolloutRow;
  rollout_plans: RolloutPlanRow;
  rollout_members: RolloutMemberRow;
  rollout_orders: RolloutOrderRow;
  leases: LeaseRow;
  policies: PolicyRow;
  release_vulnerabilities: ReleaseVulnerabilitiesRow;
}

/** The newest comparison with a feed. */
export interface ReleaseVulnerabilitiesRow {
  release_id: string;
  compared_ms: number;
  compared_by: string;
  /** JSON of a VulnerabilityReport. */
  report: string;
}

/** Tried in the order of `position`; the first whose cohort an appliance is in holds for it. */
export interface PolicyRow {
  id: string;
  position: number;
  name: string;
  /** In the language of cohorts. */
  cohort: string;
  /** JSON of a Policy. */
  policy: string;
  /** JSON of a MaintenanceWindow. */
  window: string | null;
  created_ms: number;
  created_by: string;
}

/** A file that has arrived whole; the bytes are in the store. */
export interface ArtifactRow {
  sha256: string;
  kind: 'bundle' | 'blocks';
  size_bytes: number;
  created_ms: number;
  created_by: string;
}

/** Whose releases are taken; the newest row counts. */
export interface KeysetRow {
  id: string;
  version: number;
  /** JSON array of envelopes, as in a key set file. */
  chain: string;
  added_ms: number;
  added_by: string;
}

export interface ReleaseRow {
  id: string;
  version: string;
  channel: string;
  notes: string;
  /** JSON: versions that must not be skipped on the way here. */
  floors: string;
  bundle_sha256: string;
  /** Of the signed manifest. */
  manifest_sha256: string;
  root_hash: string;
  /** JSON: names of hardware. */
  compatible: string;
  replaces_min: string | null;
  /** RFC 3339, as is `built_at`. */
  expires: string | null;
  built_at: string;
  /** JSON: ids of release keys. */
  signed_by: string;
  sbom_sha256: string | null;
  provenance_sha256: string | null;
  created_ms: number;
  created_by: string;
  withdrawn_ms: number | null;
  withdrawn_by: string | null;
  withdrawn_reason: string | null;
}

/** What lies beside a bundle, the bundle itself included (`suffix` empty). */
export interface ReleaseFileRow {
  release_id: string;
  suffix: string;
  sha256: string;
  size_bytes: number;
  /** Of a delta: the version it starts from. */
  base_version: string | null;
}

export interface RolloutRow {
  id: string;
  name: string;
  version: string;
  channel: string;
  origin: 'operator' | 'auto_latest';
  /** JSON: what parseDefinition reads. */
  request: string;
  wish: RolloutIntent['wish'];
  brake_releases: number;
  retries: number;
  /** Rises with every change of what the operator wants: a plan that was made before it is not carried out. */
  revision: number;
  /** Of the newest plan. */
  phase: Phase;
  plan_id: string | null;
  plan_number: number;
  created_ms: number;
  created_by: string;
  /** 1: over, and nobody is at it any more; it is not looked at again unless an operator wants something. */
  settled: number;
}

export interface RolloutPlanRow {
  id: string;
  rollout_id: string;
  parent: string | null;
  number: number;
  at_ms: number;
  phase: Phase;
  /** JSON: list of texts. */
  reasons: string;
  /** JSON of a PlanRecord. */
  record: string;
}

export interface RolloutMemberRow {
  rollout_id: string;
  device_id: string;
  state: Member['state'];
  stage: number | null;
  /** JSON of a Member. */
  record: string;
}

/** Which order was made for which of a plan. */
export interface RolloutOrderRow {
  planned_id: string;
  order_id: string;
  rollout_id: string;
  device_id: string;
  plan_id: string;
  /** To run, committed, for it to be complete. */
  version: string;
}

/** Who does something that only one may do at a time. */
export interface LeaseRow {
  name: string;
  holder: string;
  until_ms: number;
}
