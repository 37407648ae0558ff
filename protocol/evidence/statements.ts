import { type Static, Type as t } from '@sinclair/typebox';
import { Unknowable } from '../../base/schema.ts';
import { KeyId } from '../../base/signing/dsse.ts';
import { DeviceKeyId, PublicKey, Sha256 } from '../messages/parts.ts';
import { EXPORT_CHAINS_MAX, SEGMENT_MAX_BYTES } from './limits.ts';
import { ChainId, Moment, RecordNumber } from './record.ts';
import { statementKind } from './statement.ts';

const strict = { additionalProperties: false };

/** A place in a chain: this record, and no other, has this number. */
const place = { hash: Sha256, seq: RecordNumber };

/** A record of some chain. */
export const ChainPlace = t.Object({ chain: ChainId, ...place }, strict);
export type ChainPlace = Static<typeof ChainPlace>;

/** The device key says whose the evidence key is. */
const EvidenceKeyStatement = t.Object(
  {
    at: Moment,
    /** SHA-256 of the device key. */
    device: DeviceKeyId,
    device_key: PublicKey,
    evidence_key: PublicKey,
    format: t.Literal(1),
    /** The evidence key that this one stands for, and why. */
    replaces: Unknowable(
      t.Object({ key_id: t.Union([KeyId, t.Null()]), reason: t.String({ maxLength: 200 }) }, strict),
    ),
  },
  strict,
);
export type EvidenceKeyStatement = Static<typeof EvidenceKeyStatement>;
export const EVIDENCE_KEY = statementKind('evidence-key', EvidenceKeyStatement);

/** The evidence key says how far its chain has come. Two of them that contradict each other are the proof of a fork. */
const Checkpoint = t.Object(
  {
    at: Moment,
    chain: ChainId,
    format: t.Literal(1),
    ...place,
    /** The last one of this chain that was countersigned. */
    previous: Unknowable(t.Object(place, strict)),
    /** Where the chain before this one ended. */
    succeeds: Unknowable(ChainPlace),
  },
  strict,
);
export type Checkpoint = Static<typeof Checkpoint>;
export const CHECKPOINT = statementKind('evidence-checkpoint', Checkpoint);

/** The coordinator says that it has seen a checkpoint, when, and that it contradicts none that it has seen before. */
const Countersignature = t.Object(
  { at: Moment, chain: ChainId, device: DeviceKeyId, format: t.Literal(1), ...place },
  strict,
);
export type Countersignature = Static<typeof Countersignature>;
export const COUNTERSIGNATURE = statementKind('evidence-countersignature', Countersignature);

/** What a finished segment is known by, however it is kept. */
export const SegmentFacts = t.Object(
  {
    first_seq: RecordNumber,
    last_hash: Sha256,
    last_seq: RecordNumber,
    records: RecordNumber,
    segment: RecordNumber,
    /** Of the whole file. */
    sha256: Sha256,
    size_bytes: t.Integer({ minimum: 1, maximum: SEGMENT_MAX_BYTES }),
  },
  strict,
);
export type SegmentFacts = Static<typeof SegmentFacts>;

/** The coordinator says that it keeps a whole segment, verified. */
const SegmentReceipt = t.Object(
  { at: Moment, chain: ChainId, device: DeviceKeyId, format: t.Literal(1), segment: SegmentFacts },
  strict,
);
export type SegmentReceipt = Static<typeof SegmentReceipt>;
export const SEGMENT_RECEIPT = statementKind('evidence-receipt', SegmentReceipt);

/** What an export holds, so that a missing end is missed. */
const ExportManifest = t.Object(
  {
    at: Moment,
    /** Oldest first. */
    chains: t.Array(
      t.Object(
        { chain: ChainId, first_seq: RecordNumber, last_hash: Sha256, last_seq: RecordNumber },
        strict,
      ),
      { minItems: 1, maxItems: EXPORT_CHAINS_MAX },
    ),
    /** Of the key of the newest chain, which signs this: it can be verified before anything that follows is read. */
    endorsement: t.Object({ payload: t.String(), payloadType: t.String(), signatures: t.Array(t.Unknown()) }),
    format: t.Literal(1),
  },
  strict,
);
export type ExportManifest = Static<typeof ExportManifest>;
export const EXPORT_MANIFEST = statementKind('evidence-export', ExportManifest);
