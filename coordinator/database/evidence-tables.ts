/** Tables of evidence; see tables.ts for what holds for all. */
export interface EvidenceTables {
  evidence_chains: EvidenceChainRow;
  evidence_checkpoints: EvidenceCheckpointRow;
  evidence_segments: EvidenceSegmentRow;
  evidence_pieces: EvidencePieceRow;
  evidence_settlements: EvidenceSettlementRow;
}

/** One chain of one appliance. */
export interface EvidenceChainRow {
  chain: string;
  device_id: string;
  /** Of the evidence key. */
  key_id: string;
  /** JSON of the envelope by which the device key vouches for it. */
  endorsement: string;
  first_ms: number;
  /** The last record that was countersigned; null: none yet. */
  last_seq: number | null;
  last_hash: string | null;
  last_ms: number | null;
  /** Why it is not to be trusted any more; null: nothing contradicts it. */
  trouble: string | null;
  trouble_ms: number | null;
}

export interface EvidenceCheckpointRow {
  chain: string;
  seq: number;
  hash: string;
  received_ms: number;
  /** JSON of the envelope. */
  countersignature: string;
}

/** A segment that has arrived whole and was verified; its records are its pieces. */
export interface EvidenceSegmentRow {
  chain: string;
  segment: number;
  first_seq: number;
  last_seq: number;
  /** `prev` of its first record. */
  first_prev: string;
  last_hash: string;
  size_bytes: number;
  received_ms: number;
  /** JSON of the envelope. */
  receipt: string;
}

export interface EvidencePieceRow {
  chain: string;
  segment: number;
  /** In bytes. */
  position: number;
  size_bytes: number;
  text: string;
}

/** Somebody has looked into what contradicted a chain; the last time counts. */
export interface EvidenceSettlementRow {
  chain: string;
  settled_ms: number;
  settled_by: string;
  reason: string;
}
