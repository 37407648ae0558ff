import { BulkheadError } from '../base/errors.ts';

/** When an appliance may reboot for an update: a stretch of the day on some days of the week, in a time zone. */
export interface MaintenanceWindow {
  /** `HH:MM`, 24 hours. */
  start: string;
  /** `HH:MM`; before `start` it is on the next day; the same as `start` means a whole day. */
  end: string;
  /** Days on which the window begins. */
  days: readonly Weekday[];
  /** IANA time zone. */
  zone: string;
}

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

const DAY_MIN = 24 * 60;
const WEEK_MIN = 7 * DAY_MIN;
const MINUTE_MS = 60_000;

/**
 * Whether the window is open at an instant. Told by the wall clock of the zone, so that 02:00 to 04:00 is that also on the
 * days on which the clocks are changed: an hour that is left out is left out of the window too.
 *
 * @throws BulkheadError UPDATE_WINDOW_INVALID
 */
export function isOpen(window: MaintenanceWindow, at: Date): boolean {
  const { start_min, length_min } = parseWindow(window);
  const now_min = minuteOfWeek(at, window.zone);
  return window.days.some((day) => {
    const begin_min = WEEKDAYS.indexOf(day) * DAY_MIN + start_min;
    return (now_min - begin_min + WEEK_MIN) % WEEK_MIN < length_min;
  });
}

/**
 * The next instant, to the minute, at which the window is open: `at` itself when it is open now.
 * Undefined when it does not open within eight days (no days).
 *
 * @throws BulkheadError UPDATE_WINDOW_INVALID
 */
export function nextOpening(window: MaintenanceWindow, at: Date): Date | undefined {
  if (isOpen(window, at)) return at;
  const start_ms = Math.ceil(at.getTime() / MINUTE_MS) * MINUTE_MS;
  for (let minute = 0; minute <= 8 * DAY_MIN; minute += 1) {
    const then = new Date(start_ms + minute * MINUTE_MS);
    if (isOpen(window, then)) return then;
  }
  return undefined;
}

/** `mon-fri 02:00-04:00 Europe/Berlin`. */
export function describeWindow({ start, end, days, zone }: MaintenanceWindow): string {
  const everyDay = WEEKDAYS.every((day) => days.includes(day));
  return `${everyDay ? 'every day' : days.join(', ')} ${start}-${end} ${zone}`;
}

function parseWindow(window: MaintenanceWindow): { start_min: number; length_min: number } {
  const start_min = parseTime(window.start);
  const end_min = parseTime(window.end);
  const length_min = (end_min - start_min + DAY_MIN) % DAY_MIN;
  return { start_min, length_min: length_min === 0 ? DAY_MIN : length_min };
}

function parseTime(text: string): number {
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  if (hours === undefined || minutes === undefined) {
    throw new BulkheadError('UPDATE_WINDOW_INVALID', `'${text}' is no time of day`, {
      hint: 'write hours and minutes with 24 hours: 02:30',
    });
  }
  return Number(hours) * 60 + Number(minutes);
}

/** Minutes since Monday 00:00 by the wall clock of a zone. */
function minuteOfWeek(at: Date, zone: string): number {
  const { weekday, hour, minute } = partsIn(zone, at) as { weekday?: string; hour?: string; minute?: string };
  const day = WEEKDAYS.indexOf(weekday?.toLowerCase() as Weekday);
  return day * DAY_MIN + Number(hour) * 60 + Number(minute);
}

const formats = new Map<string, Intl.DateTimeFormat>();

function partsIn(zone: string, at: Date): Record<string, string> {
  let format = formats.get(zone);
  if (!format) {
    try {
      format = new Intl.DateTimeFormat('en-GB', {
        timeZone: zone,
        weekday: 'short',
        hour: '2-digit',
        minute: '2-digit',
        hourCycle: 'h23',
      });
    } catch (cause) {
      throw new BulkheadError('UPDATE_WINDOW_INVALID', `'${zone}' is no time zone`, {
        cause,
        hint: 'write one of the IANA database: Europe/Berlin',
      });
    }
    formats.set(zone, format);
  }
  return Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
}
