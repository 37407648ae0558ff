import { FLAP_CHANGES_MAX, FLAP_READINGS_MAX, FLAP_WINDOW_S } from './limits.ts';
import type { Reading } from './reading.ts';

/** More than `changes_max` changes between passed and failed within `window_s` are flapping. */
export interface FlapRule {
  changes_max: number;
  window_s: number;
}

const FLAP_RULE: FlapRule = { changes_max: FLAP_CHANGES_MAX, window_s: FLAP_WINDOW_S };

/** What is remembered of one check. */
export interface FlapState {
  passed: boolean;
  /** When it changed within the window, oldest first, in seconds of a clock that never goes back. */
  changed_s: readonly number[];
  /** Readings since it began to change: how many passed, how many failed. */
  counted: { since_s: number; passed: number; failed: number };
  flapping: boolean;
}

/**
 * One reading through the filter. A steady check is told as it is read. One that flaps is told once, with what it does, and then
 * not until it has been steady for a whole window; that is told, too, with its reading of that moment. Pure.
 *
 * @param before undefined for the first reading
 * @param now_s seconds of a clock that never goes back
 */
export function filterFlaps(
  before: FlapState | undefined,
  reading: Reading,
  now_s: number,
  rule: FlapRule = FLAP_RULE,
): { state: FlapState; tell: Reading | null } {
  const state = next(before, reading.passed, now_s, rule);
  const changes = state.changed_s.length;
  if (before?.flapping === true) {
    if (changes > 0) return { state, tell: null };
    const over = note(reading, 'over', before.counted, now_s);
    return { state: { ...state, flapping: false, counted: none(now_s) }, tell: over };
  }
  if (changes <= rule.changes_max) return { state, tell: reading };
  const said = `flapping: ${changes} changes in ${rule.window_s} s, ${state.counted.failed} of ${state.counted.failed + state.counted.passed} readings failed; now: ${reading.actual}`;
  const begins = note({ ...reading, passed: false, actual: said }, 'begins', state.counted, now_s);
  return { state: { ...state, flapping: true }, tell: begins };
}

function next(before: FlapState | undefined, passed: boolean, now_s: number, rule: FlapRule): FlapState {
  const recent = (before?.changed_s ?? []).filter((at_s) => at_s > now_s - rule.window_s);
  const changed = before !== undefined && before.passed !== passed;
  // No more than decide: a check that is read a thousand times a second fills no memory.
  const changed_s = (changed ? [...recent, now_s] : recent).slice(-(rule.changes_max + 1));
  const steady = before === undefined || (!before.flapping && changed_s.length === 0);
  const counted = count(steady ? none(now_s) : before.counted, passed);
  return { passed, changed_s, counted, flapping: before?.flapping ?? false };
}

function none(since_s: number): FlapState['counted'] {
  return { since_s, passed: 0, failed: 0 };
}

function count(counted: FlapState['counted'], passed: boolean): FlapState['counted'] {
  if (counted.passed + counted.failed >= FLAP_READINGS_MAX) return counted;
  return passed ? { ...counted, passed: counted.passed + 1 } : { ...counted, failed: counted.failed + 1 };
}

function note(
  reading: Reading,
  flapping: 'begins' | 'over',
  { since_s, passed, failed }: FlapState['counted'],
  now_s: number,
): Reading {
  const facts = {
    flapping,
    flapping_for_s: String(Math.round(now_s - since_s)),
    readings_passed: String(passed),
    readings_failed: String(failed),
  };
  return { ...reading, metadata: { ...reading.metadata, ...facts } };
}
