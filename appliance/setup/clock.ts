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
  /** The last time that NTP confirmed: it cannot be earlier than that either. */
  confirmed_ms: number | null;
  /** The last time the clock showed, right or wrong. */
  saved_ms: number | null;
}

/**
 * What to set the clock to, or null when it may stand. A dead battery gives 1970 or the mainboard's birthday, and
 * certificates are then "not yet valid" while NTP may be unreachable. So the clock never starts before the image was
 * built, nor before the last time that NTP confirmed, and not more than CLOCK_VALID_SPAN_MS after the build.
 *
 * A time that nobody confirmed is a guess for a clock that cannot be right, and never overrules one that can: a fast clock that
 * was saved would otherwise come back on every boot after somebody had set it right. NTP corrects the rest.
 */
export function decideClock(facts: ClockFacts): { set_ms: number; reason: string } | null {
  const { now_ms, built_ms } = facts;
  if (built_ms === null) return null;
  const latest_ms = built_ms + CLOCK_VALID_SPAN_MS;
  // Outside the span a time comes from a broken clock, or from before an update.
  const within = (time_ms: number | null) =>
    time_ms !== null && time_ms > built_ms && time_ms <= latest_ms ? time_ms : null;
  const confirmed_ms = within(facts.confirmed_ms);
  const earliest_ms = confirmed_ms ?? built_ms;
  if (now_ms >= earliest_ms && now_ms <= latest_ms) return null;
  const stood =
    now_ms > latest_ms
      ? 'stood years in the future'
      : now_ms < built_ms
        ? 'stood before the image was built'
        : 'had run backwards';
  const saved_ms = within(facts.saved_ms);
  if (saved_ms !== null && saved_ms > earliest_ms)
    return { set_ms: saved_ms, reason: `the clock ${stood}; set to the last time it showed` };
  const to = confirmed_ms === null ? 'the build date of the image' : 'the last time that NTP confirmed';
  return { set_ms: earliest_ms, reason: `the clock ${stood}; set to ${to}` };
}

/**
 * What the present time is worth keeping as. One that NTP confirmed is kept as that; another only as what the clock showed,
 * and not when it lies before a confirmed one. A time outside the span of the image is worth nothing.
 */
export function worthOfClock(facts: ClockFacts, synchronised: boolean): 'confirmed' | 'shown' | 'nothing' {
  const { now_ms, built_ms, confirmed_ms } = facts;
  if (built_ms !== null && (now_ms < built_ms || now_ms > built_ms + CLOCK_VALID_SPAN_MS)) return 'nothing';
  if (synchronised) return 'confirmed';
  return confirmed_ms === null || now_ms > confirmed_ms ? 'shown' : 'nothing';
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

/** Where the times are kept. */
export interface ClockFiles {
  /** What the clock showed. */
  saved: string;
  /** What NTP confirmed. */
  confirmed: string;
}

/**
 * Saves the time durably as what it is worth.
 *
 * @param syncMark exists when the clock was synchronised in this boot
 */
export function saveClock(
  facts: ClockFacts,
  files: ClockFiles,
  syncMark: string,
): ReturnType<typeof worthOfClock> {
  const worth = worthOfClock(facts, existsSync(syncMark));
  const text = `${new Date(facts.now_ms).toISOString()}\n`;
  // The confirmed one last: a power cut between them leaves an earlier bound, never one that nobody confirmed.
  if (worth !== 'nothing') writeFileAtomic(files.saved, text);
  if (worth === 'confirmed') writeFileAtomic(files.confirmed, text);
  return worth;
}

function validTime(text: string): number | null {
  const time_ms = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time_ms) ? null : time_ms;
}
