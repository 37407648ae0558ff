import { formatBytes, formatDuration } from '../../base/text.ts';
import { renderBanner } from './banner.ts';
import { type InstallEvent, STEP_TITLES } from './events.ts';

/** Columns of a serial line when nobody says otherwise. */
const LINE_COLUMNS = 78;

/**
 * One event as plain lines for a serial console or a log. The first words of a line are fixed, so that a program that follows
 * the console can wait for `bulkhead-install: finished` or `bulkhead-install: failed`.
 */
export function renderLines(event: InstallEvent): string {
  return `${textOf(event)
    .split('\n')
    .map((line) => `bulkhead-install: ${line}`.trimEnd())
    .join('\n')}\n`;
}

function textOf(event: InstallEvent): string {
  switch (event.event) {
    case 'step':
      return `${event.state.padEnd(7)} ${event.step}: ${STEP_TITLES[event.step]}`;
    case 'progress':
      return `${event.step}: ${describeProgress(event)}`;
    case 'note':
      return event.text;
    case 'chosen':
      return `installing ${event.version} onto /dev/${event.target.name} of ${event.machine}`;
    case 'failed':
      return [
        '',
        ...renderBanner(event.headline, LINE_COLUMNS, 0),
        '',
        `failed ${event.code} in step ${event.step}`,
        event.reason,
        `what to do: ${event.advice}`,
      ].join('\n');
    case 'finished':
      return `finished ${event.version} on ${event.target} after ${formatDuration(event.seconds)}. ${event.next}`;
  }
}

/** `45 %  99.0 MiB of 220.0 MiB  61.2 MiB/s  2 s left` */
export function describeProgress(event: Extract<InstallEvent, { event: 'progress' }>): string {
  const percent = Math.floor((100 * event.done_bytes) / Math.max(1, event.total_bytes));
  const left = event.left_s === null ? '' : `  ${formatDuration(event.left_s)} left`;
  return (
    `${String(percent).padStart(3)} %  ${formatBytes(event.done_bytes)} of ${formatBytes(event.total_bytes)}  ` +
    `${formatBytes(event.bytes_per_s)}/s${left}`
  );
}
