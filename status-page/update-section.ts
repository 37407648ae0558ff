import { type Static, Type as t } from '@sinclair/typebox';
import { SlotName, Unknowable } from '../base/schema.ts';
import { UPDATE_STATES } from '../base/update-states.ts';

/** What the status says about updates: the words are those of `bulkhead update status`. */

export const UPDATE_OUTCOMES = ['succeeded', 'rolled_back', 'failed', 'cancelled'] as const;

const Instant = t.String({ format: 'date-time' });
const Method = t.Union([t.Literal('delta'), t.Literal('blocks'), t.Literal('full')], {
  description: 'delta: from the running release; blocks: single blocks that it lacks; full: the whole bundle',
});
const Bytes = t.Integer({ minimum: 0 });

export const UpdateProgressStatus = t.Object({
  version: Unknowable(t.String()),
  slot: Unknowable(SlotName),
  method: Unknowable(Method),
  phase: t.Union([t.Literal('checking'), t.Literal('transfer'), t.Literal('read-back'), t.Literal('done')]),
  done_bytes: t.Integer({ minimum: 0, description: 'of the slot, in this phase' }),
  total_bytes: Unknowable(Bytes),
  fetched_bytes: t.Integer({ minimum: 0, description: 'over the network' }),
  fetch_total_bytes: Unknowable(Bytes),
  startedAt: Instant,
  updatedAt: Instant,
  code: Unknowable(t.String({ description: 'of the error, when it failed' })),
});

export const UpdateOnItsWay = t.Object({
  version: t.String(),
  slot: SlotName,
  method: Unknowable(Method),
  writtenAt: Instant,
  reboot: t.Union([t.Literal('no'), t.Literal('now'), t.Literal('window')], {
    description: 'no: somebody else does it; now: at once; window: in the next maintenance window',
  }),
});

export const PastUpdateStatus = t.Object({
  at: Instant,
  outcome: t.Union(UPDATE_OUTCOMES.map((outcome) => t.Literal(outcome))),
  version: Unknowable(t.String()),
  fromVersion: t.String(),
  slot: Unknowable(SlotName),
  method: Unknowable(Method),
  fetched_bytes: Bytes,
  reason: t.String(),
  consoleTail: t.Array(t.String(), {
    description:
      'last lines of the console of a trial that failed; empty where nothing was left of it. Those of older updates are ' +
      'shortened first, so that a status stays small',
  }),
});

const Ended = t.Object({ count: t.Integer({ minimum: 0 }), lastAt: Unknowable(Instant) });

export const UpdateSection = t.Object({
  state: t.Union([...UPDATE_STATES.map((state) => t.Literal(state)), t.Null()], {
    description: 'null: not known',
  }),
  message: t.String({ description: 'one sentence' }),
  progress: t.Union([UpdateProgressStatus, t.Null()], {
    description: 'of the update that runs, or of the last one since power-on; null: none since power-on',
  }),
  onItsWay: t.Union([UpdateOnItsWay, t.Null()], {
    description: 'written into its slot and not judged yet; null: none',
  }),
  history: t.Array(PastUpdateStatus, { description: 'updates that ended, latest first, ten at most' }),
  ended: t.Object(
    { succeeded: Ended, rolled_back: Ended, failed: Ended, cancelled: Ended },
    { description: 'the whole history that is kept, counted' },
  ),
  rejected: t.Array(t.Object({ version: t.String(), at: Instant, reason: t.String() }), {
    description: 'given up and not tried again unless an operator says so, latest first',
  }),
});

export type UpdateSection = Static<typeof UpdateSection>;
export type UpdateProgressStatus = Static<typeof UpdateProgressStatus>;
export type UpdateOnItsWay = Static<typeof UpdateOnItsWay>;
export type PastUpdateStatus = Static<typeof PastUpdateStatus>;
