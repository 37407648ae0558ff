import type { ControlState, Tally } from '../../status-page/compliance/report.ts';

export type Counts = Record<ControlState, number>;

export function countStates(states: Iterable<ControlState>): Counts {
  const counts: Counts = { fails: 0, unknown: 0, justified: 0, holds: 0, not_applicable: 0 };
  for (const state of states) counts[state] += 1;
  return counts;
}

/**
 * Counts with their rates. What does not apply counts nowhere; where nothing applies there is no rate. What nobody can tell counts against
 * it: a rate that rises because a sensor is silent would be worse than none.
 */
export function tallyOf(counts: Counts): Tally {
  const { holds, justified, fails, unknown, not_applicable } = counts;
  const applies = holds + justified + fails + unknown;
  return {
    ...{ holds, fails, unknown, justified, not_applicable },
    rate: applies === 0 ? null : (holds + justified) / applies,
    strict_rate: applies === 0 ? null : holds / applies,
  };
}
