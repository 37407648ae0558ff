import { BulkheadError } from '../../base/errors.ts';
import type { Phase } from './plan.ts';

/**
 * What the operator wants. The automatic brake is in the plan, not here: lifting a pause does not release the brake, releasing the
 * brake does not lift a pause, and neither can undo the other by accident.
 */
export interface RolloutIntent {
  wish: 'draft' | 'running' | 'paused' | 'cancelled' | 'roll_back';
  /** How often the brake was released. A plan that knows fewer releases its brake, once. */
  brake_releases: number;
  /** How often failed appliances were to be tried again. */
  retries: number;
}

export const INITIAL_INTENT: RolloutIntent = { wish: 'draft', brake_releases: 0, retries: 0 };

export const ACTIONS = [
  'approve',
  'pause',
  'resume',
  'release_brake',
  'retry_failed',
  'cancel',
  'roll_back',
] as const;
export type RolloutAction = (typeof ACTIONS)[number];

/** Which wish an action leads to; what is not listed is refused. */
const ALLOWED: Readonly<
  Record<RolloutIntent['wish'], Partial<Record<RolloutAction, RolloutIntent['wish']>>>
> = {
  draft: { approve: 'running', cancel: 'cancelled' },
  running: {
    pause: 'paused',
    release_brake: 'running',
    retry_failed: 'running',
    cancel: 'cancelled',
    roll_back: 'roll_back',
  },
  paused: {
    resume: 'running',
    release_brake: 'paused',
    retry_failed: 'paused',
    cancel: 'cancelled',
    roll_back: 'roll_back',
  },
  cancelled: { roll_back: 'roll_back' },
  roll_back: { retry_failed: 'roll_back', cancel: 'cancelled' },
};

/** What an operator may do now. @param phase of the newest plan */
export function possibleActions({ wish }: Pick<RolloutIntent, 'wish'>, phase: Phase): RolloutAction[] {
  const allowed = ACTIONS.filter((action) => ALLOWED[wish][action] !== undefined);
  return phase === 'completed' ? allowed.filter((action) => action === 'roll_back') : allowed;
}

/**
 * @param phase of the newest plan, for what has come to its end
 * @throws BulkheadError ROLLOUT_ACTION_REFUSED
 */
export function changeIntent(intent: RolloutIntent, action: RolloutAction, phase: Phase): RolloutIntent {
  const allowed = phase === 'completed' && action !== 'roll_back' ? {} : ALLOWED[intent.wish];
  const wish = allowed[action];
  if (wish === undefined) {
    const possible = phase === 'completed' ? ['roll_back'] : Object.keys(allowed);
    throw new BulkheadError('ROLLOUT_ACTION_REFUSED', `${action} is not possible: the rollout is ${phase}`, {
      hint: `possible: ${possible.join(', ')}`,
    });
  }
  return {
    wish,
    brake_releases: intent.brake_releases + Number(action === 'release_brake'),
    retries: intent.retries + Number(action === 'retry_failed'),
  };
}
