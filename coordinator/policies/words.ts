import { describeWindow, WEEKDAYS, type Weekday } from '../../updater/maintenance-window.ts';
import type { PolicyChoice, PolicyWindow } from './policies.ts';

/** A policy as people read it: in a table, behind the words for whom. */
export function policyWords(policy: PolicyChoice): string {
  switch (policy.kind) {
    case 'manual':
      return 'what operators roll out';
    case 'auto_latest':
      return `the newest release of ${policy.channel}, by itself`;
    case 'pinned':
      return `${policy.version} and no other`;
  }
}

export const windowWords = (window: PolicyWindow | null): string =>
  window === null ? 'at any time' : describeWindow(window);

const WINDOW = /^(?:([a-z,]+)\s+)?(\d\d:\d\d)-(\d\d:\d\d)(?:\s+(\S+))?$/;

/**
 * A window as people write it: `sat,sun 01:00-05:00 Europe/Berlin`. Without days it is every day, without a zone UTC.
 *
 * @returns null for what is no window; whether hours and zone exist is not looked at
 */
export function parseWindow(text: string): PolicyWindow | null {
  const [, days = WEEKDAYS.join(), start, end, zone = 'UTC'] = WINDOW.exec(text.trim()) ?? [];
  const known = days.split(',').filter((day): day is Weekday => WEEKDAYS.some((one) => one === day));
  if (start === undefined || end === undefined || known.length !== days.split(',').length) return null;
  return { start, end, zone, days: known };
}
