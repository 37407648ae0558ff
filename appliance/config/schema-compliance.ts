import { Type as t } from '@sinclair/typebox';
import { text } from './schema-parts.ts';

/** A control that does not hold, and somebody who answers for it. */
export const Justification = t.Object(
  {
    control: text('bulkhead-control-id', {
      description: 'the control, as the register names it',
      expects: 'an id such as BH-AC-01',
    }),
    reason: text('bulkhead-reason', {
      description: 'why it does not hold, and what stands in its place; it is shown on the open page',
      expects: 'a sentence',
    }),
    until: text('bulkhead-day', {
      description: 'the last day on which this counts, by UTC; from then on the control fails',
      expects: "a day in quotes such as '2027-06-30'",
    }),
  },
  { additionalProperties: false, expects: 'an entry with control, reason and until' },
);
