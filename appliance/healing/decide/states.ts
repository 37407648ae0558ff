import { BulkheadError } from '../../../base/errors.ts';

/**
 *   detected ──begin──▶ acting ──ended──▶ verifying ──passed──▶ healed
 *      │                                      ├──────failed───▶ not_healed   (another attempt may follow)
 *      └──refuse──▶ refused                   └──exhausted────▶ gave_up
 *
 * `verifying` is the only way to an end of what was begun: whatever an action said, and also when the process died while it was at it.
 */
export const TRANSITIONS = {
  detected: { begin: 'acting', refuse: 'refused' },
  acting: { ended: 'verifying' },
  verifying: { passed: 'healed', failed: 'not_healed', exhausted: 'gave_up' },
  healed: {},
  not_healed: {},
  gave_up: {},
  refused: {},
} as const;

export type HealingState = keyof typeof TRANSITIONS;
export type HealingEvent = 'begin' | 'refuse' | 'ended' | 'passed' | 'failed' | 'exhausted';

export const HEALING_STATES = Object.keys(TRANSITIONS) as HealingState[];

/** Something was done to the machine, or may have been. */
export const ACTED_STATES = [
  'acting',
  'verifying',
  'healed',
  'not_healed',
  'gave_up',
] as const satisfies HealingState[];

/** @throws BulkheadError HEALING_STATE */
export function nextState(state: HealingState, event: HealingEvent): HealingState {
  const row: Partial<Record<HealingEvent, HealingState>> = TRANSITIONS[state];
  const next = row[event];
  if (next === undefined)
    throw new BulkheadError('HEALING_STATE', `a healing that is ${state} cannot take '${event}'`);
  return next;
}

export function isOver(state: HealingState): boolean {
  return Object.keys(TRANSITIONS[state]).length === 0;
}
