import type { JsonObject } from '../../protocol/evidence/canonical.ts';

export type { JsonObject };

/** What can be put on record. The chain's own kinds (`chain.started`, `segment.started`) are written by the log itself. */
export type EvidenceKind =
  | 'sensor.admitted'
  | 'sensor.admitted_elsewhere'
  | 'sensor.refused'
  | 'sensor.revoked'
  | 'sensor.renewed'
  | 'sensor.tier_changed'
  | 'finding.opened'
  | 'finding.closed'
  | 'healing.started'
  | 'healing.ended'
  | 'healing.switched'
  | 'rules.changed'
  | 'compliance.sampled'
  | 'events.sealed'
  | 'export.made'
  | 'segment.retired'
  | 'checkpoint.countersigned'
  | 'site.started';

export interface EvidenceEntry {
  kind: EvidenceKind;
  /** At most ENTRY_MAX_BYTES as JSON, BODY_DEPTH_MAX deep. */
  body: JsonObject;
}

/** Where it is put on record what was observed and done: append-only, one writer. */
export interface EvidenceLog {
  /**
   * Resolves when signed, chained and on the disk; all of the entries or none. Rejects with EVIDENCE_ENTRY_INVALID, EVIDENCE_FULL or
   * EVIDENCE_FAILED: then nothing may be done that needs this evidence.
   */
  append(entries: readonly EvidenceEntry[]): Promise<{ seq: number; hash: string }>;
  /** The last record that is on the disk. */
  head(): { seq: number; hash: string };
}
