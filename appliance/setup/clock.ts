import { existsSync, readFileSync, statSync } from 'node:fs';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import { type Run, runOrThrow } from '../../base/run.ts';
import { CLOCK_COMMAND_TIMEOUT_MS, CLOCK_VALID_SPAN_MS, STATE_FILE_MAX_BYTES } from './limits.ts';

/** Times in milliseconds since 1970; null where it is not known. */
export interface ClockFacts {
  now_ms: number;
  /** When the image was built: it cannot be earlier than that. */
  built_ms: number | null;
  /** The last time that was saved; from before the restart. */
  saved_ms: number | null;
}

/**
 * What to set the clock to, or null when it may stand. A dead battery gives 1970 or the mainboard's birthday, and
 * certificates are then "not yet valid" while NTP may be unreachable. So the clock never starts before the image was
 * built, nor before the last time that was saved (a clock that ran backwards over a restart is wrong), and not more
 * than CLOCK_VALID_SPAN_MS after the build. NTP corrects the rest.
 */
export function decideClock({
  now_ms,
  built_ms,
  saved_ms,
}: ClockFacts): { set_ms: number; reason: string } | null {
  if (built_ms === null) return null;
  const latest_ms = built_ms + CLOCK_VALID_SPAN_MS;
  // A saved time outside the span was saved from a broken clock.
  const saved = saved_ms !== null && saved_ms > built_ms && saved_ms <= latest_ms ? saved_ms : null;
  const set_ms = saved ?? built_ms;
  const to = saved === null ? 'the build date of the image' : 'the last time it was known to be';
  if (now_ms < built_ms)
    return { set_ms, reason: `the clock stood before the image was built; set to ${to}` };
  if (now_ms > latest_ms) return { set_ms, reason: `the clock stood years in the future; set to ${to}` };
  if (saved !== null && now_ms < saved)
    return { set_ms, reason: `the clock had run backwards; set to ${to}` };
  return null;
}

/**
 * Whether the time is worth keeping. A synchronised clock always; another only when it moves the saved time on, so that
 * an hour of wrong time does not undo what NTP once said.
 */
export function shouldSaveClock(facts: ClockFacts, synchronised: boolean): boolean {
  const { now_ms, built_ms, saved_ms } = facts;
  if (built_ms !== null && (now_ms < built_ms || now_ms > built_ms + CLOCK_VALID_SPAN_MS)) return false;
  return synchronised || saved_ms === null || now_ms > saved_ms;
}

/**
 * Corrects the system clock if decideClock says so.
 *
 * @returns what was done in one sentence, or null
 * @throws BulkheadError CLOCK_NOT_SET
 */
export async function correctClock(facts: ClockFacts, run: Run): Promise<string | null> {
  const decision = decideClock(facts);
  if (!decision) return null;
  const set_s = Math.ceil(decision.set_ms / 1000);
  try {
    await runOrThrow(run, 'date', ['-u', '-s', `@${set_s}`], { timeout_ms: CLOCK_COMMAND_TIMEOUT_MS });
  } catch (cause) {
    throw new BulkheadError('CLOCK_NOT_SET', `${decision.reason}, but that failed`, {
      cause,
      hint: 'connections with TLS may fail until NTP answers',
    });
  }
  const from = new Date(facts.now_ms).toISOString();
  return `${decision.reason} (from ${from} to ${new Date(set_s * 1000).toISOString()})`;
}

/** When the image was built, from IMAGE_INFO_FILE; null where there is no image. */
export function readBuildTime(imageInfoFile: string): number | null {
  try {
    const info: unknown = JSON.parse(readFileSync(imageInfoFile, 'utf8'));
    const text = typeof info === 'object' && info !== null && 'built_at' in info ? info.built_at : null;
    return typeof text === 'string' ? validTime(text) : null;
  } catch {
    return null;
  }
}

/** The saved time; null when there is none or the file holds something else. */
export function readSavedClock(file: string): number | null {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat?.isFile() || stat.size > STATE_FILE_MAX_BYTES) return null;
  return validTime(readFileSync(file, 'latin1').trim());
}

/** Saves the time durably if it is worth it; whether it was. */
export function saveClock(facts: ClockFacts, file: string, syncMark: string): boolean {
  if (!shouldSaveClock(facts, existsSync(syncMark))) return false;
  writeFileAtomic(file, `${new Date(facts.now_ms).toISOString()}\n`);
  return true;
}

function validTime(text: string): number | null {
  const time_ms = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time_ms) ? null : time_ms;
}
