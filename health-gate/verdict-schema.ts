import { FormatRegistry, type Static, Type as t } from '@sinclair/typebox';
import { SlotName, Unknowable } from '../base/schema.ts';

// TypeBox calls every text of a format it does not know invalid, and knows none unless it is told.
if (!FormatRegistry.Has('date-time')) {
  FormatRegistry.Set(
    'date-time',
    (text) => /^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text)),
  );
}

/** What the gate found and decided about one boot: a line of the journal and what the page shows. */
export const CheckResult = t.Object({
  name: t.String({ description: 'fixed, kebab-case: data-partition' }),
  decisive: t.Boolean({ description: 'counts for the verdict; the others are observed only' }),
  outcome: t.Union([t.Literal('pass'), t.Literal('fail'), t.Literal('skipped')]),
  message: t.String({ description: 'one sentence for people' }),
  duration_ms: t.Number({ minimum: 0 }),
});

export const Verdict = t.Object({
  id: t.String({ description: 'boot id, then a number: unique per verdict' }),
  bootId: t.String(),
  at: t.String({ format: 'date-time' }),
  slot: t.Union([SlotName, t.Null()]),
  version: t.String(),
  attempt: Unknowable(t.Integer({ minimum: 0 })),
  outcome: t.Union([t.Literal('healthy'), t.Literal('unhealthy')]),
  action: t.Union([t.Literal('commit'), t.Literal('none'), t.Literal('reboot'), t.Literal('stay')], {
    description:
      'decided, and recorded before it is done. commit: trial becomes active or counter is cleared; none: only observed; reboot: next attempt; stay: rescue, or a failed boot that nobody can count; waits for help',
  }),
  reason: t.String(),
  checks: t.Array(CheckResult),
});

export type CheckResult = Static<typeof CheckResult>;
export type Verdict = Static<typeof Verdict>;
export type VerdictAction = Verdict['action'];
