import { type Static, Type as t } from '@sinclair/typebox';
import { Unknowable } from '../../base/schema.ts';
import { TimeMs } from '../messages/parts.ts';
import { SEGMENT_PIECE_MAX_BYTES } from './limits.ts';
import { ChainId } from './record.ts';
import { SegmentFacts } from './statements.ts';

/** What appliance and coordinator say to each other about evidence. Statements travel in their envelopes and are opened there. */
const Envelope = t.Unknown({ description: 'DSSE envelope' });

/** POST /agent/evidence/checkpoint. The same one may come twice; it is answered with the same countersignature. */
export const CheckpointMessage = t.Object({ checkpoint: Envelope, endorsement: Envelope });
export type CheckpointMessage = Static<typeof CheckpointMessage>;

export const CheckpointAnswer = t.Object({ server_time_ms: TimeMs, countersignature: Envelope });

/** POST /agent/evidence/segment: one piece of a finished segment, or none, which only asks how much is there. */
export const SegmentMessage = t.Object({
  chain: ChainId,
  facts: SegmentFacts,
  /** Where the piece begins in the segment, in bytes. */
  offset_bytes: t.Integer({ minimum: 0 }),
  /** Whole lines. */
  text: t.String({ maxLength: SEGMENT_PIECE_MAX_BYTES }),
});
export type SegmentMessage = Static<typeof SegmentMessage>;

export const SegmentAnswer = t.Object({
  server_time_ms: TimeMs,
  /** Where the next piece begins. */
  received_bytes: t.Integer({ minimum: 0 }),
  /** Once all is there and verified. */
  receipt: Unknowable(Envelope),
});
