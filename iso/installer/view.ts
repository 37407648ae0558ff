import { type InstallEvent, STEP_IDS, type StepId } from './events.ts';
import { SCREEN_LOG_LINES } from './limits.ts';

export type StepState = 'waiting' | 'running' | 'done' | 'skipped' | 'failed';

/** What a screen shows: everything the events said so far. */
export interface InstallView {
  steps: Readonly<Record<StepId, StepState>>;
  progress: Extract<InstallEvent, { event: 'progress' }> | null;
  chosen: Extract<InstallEvent, { event: 'chosen' }> | null;
  failed: Extract<InstallEvent, { event: 'failed' }> | null;
  finished: Extract<InstallEvent, { event: 'finished' }> | null;
  /** The last notes, oldest first. */
  log: readonly string[];
}

export const EMPTY_VIEW: InstallView = {
  steps: Object.fromEntries(STEP_IDS.map((step) => [step, 'waiting'])) as Record<StepId, StepState>,
  progress: null,
  chosen: null,
  failed: null,
  finished: null,
  log: [],
};

/** The view after one more event. */
export function nextView(view: InstallView, event: InstallEvent): InstallView {
  switch (event.event) {
    case 'step': {
      const state = event.state === 'started' ? 'running' : event.state;
      return { ...view, steps: { ...view.steps, [event.step]: state }, progress: null };
    }
    case 'progress':
      return { ...view, progress: event };
    case 'note':
      return { ...view, log: [...view.log, ...event.text.split('\n')].slice(-SCREEN_LOG_LINES) };
    case 'chosen':
      return { ...view, chosen: event };
    case 'failed':
      return { ...view, steps: { ...view.steps, [event.step]: 'failed' }, failed: event };
    case 'finished':
      return { ...view, finished: event };
  }
}
