import { formatDuration } from '../../base/text.ts';
import { describeDisk } from '../../partitions/target.ts';
import { renderBanner } from './banner.ts';
import { STEP_IDS, STEP_TITLES } from './events.ts';
import { describeProgress } from './lines.ts';
import type { InstallView, StepState } from './view.ts';

export interface ScreenSize {
  columns: number;
  rows: number;
}

const MARKS: Readonly<Record<StepState, string>> = {
  waiting: '[ ]',
  running: '[>]',
  done: '[x]',
  skipped: '[-]',
  failed: '[!]',
};

/** ECMA-48 colours the kernel's console knows. */
const RED = '\x1b[97;41m';
const GREEN = '\x1b[97;42m';
const BLUE = '\x1b[97;44m';
const PLAIN = '\x1b[0m';
const HOME_AND_CLEAR = '\x1b[H\x1b[J';

/**
 * The whole screen, ready to be written to a text console: as many rows as there are at most, each as long as the screen is
 * wide, ASCII only because the console font may have nothing else.
 */
export function renderScreen(view: InstallView, size: ScreenSize): string {
  const colour = view.failed ? RED : view.finished ? GREEN : BLUE;
  const body = view.failed
    ? failureBody(view, size)
    : view.finished
      ? finishedBody(view, size)
      : workingBody(view, size);
  const rows = body.slice(0, size.rows).map((line) => {
    const shown = line.replace(/[^\x20-\x7e]/g, '?').slice(0, size.columns);
    return `${colour}${shown.padEnd(size.columns)}${PLAIN}`;
  });
  // No line feed after the last row: it would scroll the first one away.
  return `${HOME_AND_CLEAR}${rows.join('\r\n')}`;
}

function workingBody(view: InstallView, size: ScreenSize): string[] {
  const steps = STEP_IDS.map((step) => `  ${MARKS[view.steps[step]]} ${STEP_TITLES[step]}`);
  const head = [
    '',
    `  Bulkhead installer${view.chosen ? ` ${view.chosen.version}` : ''}`,
    ...(view.chosen ? [`  ${view.chosen.machine}`, `  onto ${describeDisk(view.chosen.target)}`] : []),
    '',
  ];
  const progress = view.progress
    ? [
        '',
        `  ${bar(view.progress.done_bytes / Math.max(1, view.progress.total_bytes), size.columns - 4)}`,
        `  ${describeProgress(view.progress)}`,
      ]
    : [];
  const above = [...head, ...steps, ...progress, ''];
  const room = Math.max(0, size.rows - above.length);
  const log = view.log.slice(-room || view.log.length).map((line) => `  ${line}`);
  return fill([...above, ...(room === 0 ? [] : log)], size.rows);
}

function finishedBody(view: InstallView, size: ScreenSize): string[] {
  const { finished, chosen } = view;
  if (!finished) return [];
  return fill(
    [
      '',
      ...centre(renderBanner('DONE', size.columns - 4, Math.floor(size.rows / 2)), size.columns),
      '',
      `  Bulkhead ${finished.version} is installed on ${finished.target} (${formatDuration(finished.seconds)}).`,
      ...(chosen ? [`  ${chosen.machine}`, `  ${describeDisk(chosen.target)}`] : []),
      '',
      ...wrap(finished.next, size.columns - 4).map((line) => `  ${line}`),
    ],
    size.rows,
  );
}

/** The largest headline that leaves room for all of the text; the reason matters more than the size of the letters. */
function failureBody(view: InstallView, size: ScreenSize): string[] {
  const { failed } = view;
  if (!failed) return [];
  const paragraphs = [
    failed.reason,
    `What to do: ${failed.advice}`,
    `Step: ${STEP_TITLES[failed.step]}.  Code: ${failed.code}.`,
  ].map((paragraph) => wrap(paragraph, size.columns - 4).map((line) => `  ${line}`));
  const compact = paragraphs.flat();
  const spaced = paragraphs.flatMap((paragraph) => ['', ...paragraph]);
  const banner = centre(
    renderBanner(failed.headline, size.columns - 2, Math.floor(size.rows / 2)),
    size.columns,
  );
  const bannerFits = banner.every((line) => line.length <= size.columns);
  const layouts = [
    ...(bannerFits
      ? [
          ['', ...banner, ...spaced, ''],
          [...banner, ...compact],
        ]
      : []),
    [`  ${failed.headline}`, ...compact],
  ];
  const body = layouts.find((lines) => lines.length <= size.rows) ?? layouts.at(-1) ?? [];
  const room = Math.max(0, size.rows - body.length);
  return fill([...body, ...(room === 0 ? [] : view.log.slice(-room).map((line) => `  ${line}`))], size.rows);
}

/** `[#######......]` of exactly `columns` characters. */
export function bar(share: number, columns: number): string {
  const inner = Math.max(1, columns - 2);
  const full = Math.max(0, Math.min(inner, Math.floor(share * inner)));
  return `[${'#'.repeat(full)}${'.'.repeat(inner - full)}]`;
}

/** Breaks text at blanks; a word longer than a line is cut, lines of the text stay lines. */
export function wrap(text: string, columns: number): string[] {
  return text.split('\n').flatMap((paragraph) => {
    const lines: string[] = [];
    let line = '';
    for (const word of paragraph
      .split(' ')
      .flatMap((long) => long.match(new RegExp(`.{1,${columns}}`, 'g')) ?? [''])) {
      if (line !== '' && line.length + 1 + word.length > columns) {
        lines.push(line);
        line = word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    return [...lines, line];
  });
}

function centre(lines: readonly string[], columns: number): string[] {
  const widest = Math.max(0, ...lines.map((line) => line.length));
  const left = ' '.repeat(Math.max(0, Math.floor((columns - widest) / 2)));
  return lines.map((line) => left + line);
}

function fill(lines: readonly string[], rows: number): string[] {
  return [...lines, ...Array.from({ length: Math.max(0, rows - lines.length) }, () => '')];
}
