import { type Static, Type as t } from '@sinclair/typebox';
import { OneOf, Unknowable } from '../base/schema.ts';

/**
 * enrolling: has no word of the coordinator yet; pending: somebody has to approve; connected: let in and heard; interrupted: let in, and
 * the last try failed; refused: an operator has said no; unable: this machine cannot talk to any coordinator.
 */
export const LINK_STATES = ['enrolling', 'pending', 'connected', 'interrupted', 'refused', 'unable'] as const;

/** How the appliance stands with its coordinator. */
export const LinkSection = t.Object({
  state: OneOf(LINK_STATES),
  code: Unknowable(
    t.String({ description: 'what an operator approves this appliance by; shown while pending' }),
  ),
  codeExpiresAt: Unknowable(t.String({ format: 'date-time', description: 'then another code is shown' })),
  provision: t.Union(
    [
      t.Literal('none'),
      t.Literal('accepted'),
      t.Literal('refused'),
      t.Literal('needs_approval'),
      t.Literal('unknown'),
    ],
    {
      description: 'what became of the code in the configuration; unknown: not tried yet, or let in earlier',
    },
  ),
  lastContactAt: Unknowable(t.String({ format: 'date-time', description: 'last request that was taken' })),
  clockOffset_ms: Unknowable(t.Number({ description: 'how far the coordinator is ahead of the clock here' })),
  agent: t.Union([t.Literal('current'), t.Literal('outdated'), t.Null()], {
    description: 'outdated: the coordinator wants a newer agent',
  }),
  waiting: t.Object({
    records: t.Integer({ minimum: 0 }),
    oldestAt: Unknowable(t.String({ format: 'date-time' })),
    memoryOnly: Unknowable(
      t.String({ description: 'why what waits would not survive a restart; null: it would' }),
    ),
    dropped: t.Object({
      log: t.Integer({ minimum: 0, description: 'pieces of logs for which there was no room' }),
      state: t.Integer({ minimum: 0, description: 'superseded reports for which there was no room' }),
      refused: t.Integer({ minimum: 0, description: 'messages that the coordinator will never take' }),
    }),
  }),
});
export type LinkSection = Static<typeof LinkSection>;
