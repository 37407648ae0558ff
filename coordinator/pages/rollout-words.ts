import type { RolloutAction } from '../rollouts/intent.ts';
import type { FailureCode, Member, Phase, Stage } from '../rollouts/plan.ts';
import type { Tone } from './words.ts';

export const PHASE_TONES: Readonly<Record<Phase, Tone>> = {
  draft: 'wait',
  running: 'wait',
  paused: 'wait',
  braked: 'bad',
  completed: 'good',
  cancelled: 'plain',
  rolling_back: 'wait',
  rolled_back: 'plain',
};

export const STAGE_TONES: Readonly<Record<Stage['state'], Tone>> = {
  pending: 'plain',
  running: 'wait',
  soaking: 'wait',
  done: 'good',
};

export const MEMBER_TONES: Readonly<Record<Member['state'], Tone>> = {
  pool: 'plain',
  seated: 'plain',
  ordered: 'wait',
  succeeded: 'good',
  failed: 'bad',
  left_behind: 'wait',
  reverting: 'wait',
  reverted: 'plain',
  revert_failed: 'bad',
};

/** How far an appliance has come, as people say it. */
export const MEMBER_WORDS: Readonly<Record<Member['state'], string>> = {
  pool: 'in no stage yet',
  seated: 'has its turn',
  ordered: 'at it',
  succeeded: 'succeeded',
  failed: 'failed',
  left_behind: 'left behind',
  reverting: 'going back',
  reverted: 'went back',
  revert_failed: 'could not go back',
};

export const FAILURE_WORDS: Readonly<Record<FailureCode, string>> = {
  failed: 'the appliance says that it failed',
  rolled_back: 'it tried, and came back on the version before',
  no_outcome: 'nothing was heard of the outcome',
  fell_back: 'it had succeeded, and runs the version before again',
  unheard: 'it never fetched the order',
};

export const WISH_WORDS: Readonly<Record<string, string>> = {
  draft: 'nothing yet: it waits for approval',
  running: 'that it goes on',
  paused: 'a pause',
  cancelled: 'that it ends',
  roll_back: 'the version before',
};

/** What an action is called on its button, and what it does. */
export const ACTION_WORDS: Readonly<Record<RolloutAction, { label: string; effect: string }>> = {
  approve: { label: 'Approve', effect: 'It begins with its first stage.' },
  pause: {
    label: 'Pause',
    effect:
      'No orders are given until you resume. What was not fetched is taken back; who has fetched finishes. The brake stays as it is.',
  },
  resume: {
    label: 'Resume',
    effect: 'Orders are given again, unless the brake is engaged: resuming does not release it.',
  },
  release_brake: {
    label: 'Release the brake',
    effect: 'What engaged it is let pass: failures up to now count no more; the next one does.',
  },
  retry_failed: {
    label: 'Retry what failed',
    effect:
      'Appliances that failed or were left behind get one more try, also those that gave the release up.',
  },
  cancel: {
    label: 'Cancel',
    effect: 'It ends for good. Nobody is ordered any more; who is at it finishes, and keeps what it gets.',
  },
  roll_back: {
    label: 'Roll back',
    effect:
      'Everyone that this rollout has moved is ordered back to the version before, within its limits and windows.',
  },
};

/** What is hard to take back. */
export const GRAVE_ACTIONS: readonly RolloutAction[] = ['cancel', 'roll_back'];
