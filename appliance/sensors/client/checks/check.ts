import type { Run } from '../../../../base/run.ts';
import type { Reading } from '../sdk/reading.ts';
import { LISTED_MAX } from './limits.ts';

/** What a check looks at; handed in, so that a test can hand in a folder and a program of its own. */
export interface CheckContext {
  run: Run;
  /** Where the file system of the machine begins. */
  root: string;
  now_ms: () => number;
  /** What the appliance set for the checks, `disk.used_max_percent` to `85`; read with `settingOf`. */
  settings: Readonly<Record<string, string>>;
}

export interface Check {
  check_type: string;
  /** Looks now. @throws what kept it from looking: `takeReading` makes a failed reading of it */
  look(context: CheckContext): Promise<Verdict>;
}

export type Verdict = Omit<Reading, 'check_type' | 'control'>;

/**
 * One check as a reading, whatever happens. What could not be looked at has not passed: it says why, and `unknown` in its metadata
 * tells it from what was seen to be wrong.
 */
export async function takeReading(check: Check, context: CheckContext): Promise<Reading> {
  const of = { check_type: check.check_type, control: null };
  try {
    return { ...of, ...(await check.look(context)) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return {
      ...of,
      passed: false,
      expected: 'the check can look',
      actual: `not known: ${why}`,
      metadata: { unknown: 'true' },
    };
  }
}

/** A number that the appliance set, or the default where it set none that is within the bounds. */
export function settingOf(
  { settings }: Pick<CheckContext, 'settings'>,
  name: string,
  fallback: number,
  bounds: { min: number; max: number },
): number {
  const text = settings[name] ?? '';
  const value = /^\d{1,9}$/.test(text) ? Number(text) : fallback;
  return value >= bounds.min && value <= bounds.max ? value : fallback;
}

/** A list that the appliance set, separated by commas. */
export function listSetting({ settings }: Pick<CheckContext, 'settings'>, name: string): string[] {
  return (settings[name] ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** `a, b, c and 4 more`. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, LISTED_MAX).join(', ');
  return names.length <= LISTED_MAX ? shown : `${shown} and ${names.length - LISTED_MAX} more`;
}
