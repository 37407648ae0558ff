import { type Static, Type as t } from '@sinclair/typebox';
import { Unknowable } from '../../base/schema.ts';
import { ChainId, RecordNumber } from './record.ts';
import { ChainPlace, SegmentFacts } from './statements.ts';

/** Bodies of the records that hold the chain itself together. What else they say is for people. */

/** Any envelope; the statement in it is opened by whoever trusts somebody. */
const AnyEnvelope = t.Object({
  payload: t.String(),
  payloadType: t.String(),
  signatures: t.Array(t.Unknown()),
});

/** `chain.started`: the first record of a chain, and of its first segment. */
export const ChainStarted = t.Object({
  endorsement: AnyEnvelope,
  segment: t.Literal(1),
  /** Where the chain before it in the same store ended; null: there was none. */
  succeeds: Unknowable(ChainPlace),
});
export type ChainStarted = Static<typeof ChainStarted>;

/** `segment.started`: the first record of every other segment. Carries the key again: each segment can be verified by itself. */
export const SegmentStarted = t.Object({
  before: SegmentFacts,
  endorsement: AnyEnvelope,
  segment: RecordNumber,
});
export type SegmentStarted = Static<typeof SegmentStarted>;

/** `segment.retired`: what was in it is kept elsewhere, and its file goes. */
export const SegmentRetired = t.Object({ chain: ChainId, segment: SegmentFacts });

/** `checkpoint.countersigned` */
export const CheckpointCountersigned = t.Object({ checkpoint: AnyEnvelope, countersignature: AnyEnvelope });
