import { formatBytes } from '../base/text.ts';
import type { UpdateState } from '../base/update-states.ts';
import type { Tone } from './assets.ts';
import type {
  PastUpdateStatus,
  UpdateOnItsWay,
  UpdateProgressStatus,
  UpdateSection,
} from './update-section.ts';
import { ratio } from './view.ts';

/** What the page says about updates, in words; pure. */

const TONES: Record<UpdateState, Tone | 'plain'> = {
  pending: 'wait',
  notified: 'wait',
  downloading: 'wait',
  ready: 'wait',
  rebooting: 'wait',
  verifying: 'wait',
  succeeded: 'good',
  failed: 'bad',
  rolled_back: 'bad',
};

export interface Badge {
  tone: Tone | 'plain';
  word: string;
}

/** The state in a word. Where no update ever ended, none has succeeded either. */
export function updateBadge({ state, history }: UpdateSection): Badge {
  if (state === null) return { tone: 'unknown', word: 'not known' };
  if (state === 'succeeded' && history.length === 0) return { tone: 'plain', word: 'no update yet' };
  return { tone: TONES[state], word: state.replace('_', ' ') };
}

/** How an update ended, in a word. */
export function outcomeBadge({ outcome }: PastUpdateStatus): Badge {
  return { tone: outcome === 'cancelled' ? 'plain' : TONES[outcome], word: outcome.replace('_', ' ') };
}

const METHODS = { delta: 'delta', blocks: 'single blocks', full: 'full bundle' } as const;

export function methodWords(method: UpdateProgressStatus['method']): string | null {
  return method === null ? null : METHODS[method];
}

export interface ProgressView {
  step: string;
  /** Of this step, 0 to 1; null while nobody knows how much there is. */
  part: number | null;
  /** `192.0 MiB of 480.0 MiB`; null as above. */
  done: string | null;
  fetched: string;
}

export function progressView(progress: UpdateProgressStatus): ProgressView {
  const { phase, done_bytes, total_bytes, fetched_bytes, fetch_total_bytes } = progress;
  const slot = progress.slot === null ? 'the slot' : `slot ${progress.slot}`;
  const steps = {
    checking: 'looking at the release',
    transfer: `writing ${slot}`,
    'read-back': `reading ${slot} back`,
    done: 'done',
  };
  const part = phase === 'checking' ? null : ratio(done_bytes, total_bytes);
  const of = (bytes: number, whole_bytes: number | null) =>
    whole_bytes === null ? formatBytes(bytes) : `${formatBytes(bytes)} of ${formatBytes(whole_bytes)}`;
  return {
    step: steps[phase],
    part,
    done: part === null ? null : of(done_bytes, total_bytes),
    fetched: of(fetched_bytes, fetch_total_bytes),
  };
}

/** When what waits in its slot is going to be tried. */
export const REBOOTS: Record<UpdateOnItsWay['reboot'], string> = {
  no: 'when somebody reboots',
  now: 'at once',
  window: 'in the maintenance window',
};
