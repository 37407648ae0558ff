import type { Row, Section } from './report.ts';

/** Sections as a terminal and as a page show them. Pure. */

export const BEGIN_MARKER = '<!-- numbers: begin; made by npm run bench:machine -->';
export const END_MARKER = '<!-- numbers: end -->';

export function renderText(sections: readonly Section[]): string {
  const rows = sections.flatMap((section) => section.rows);
  const width = (column: 0 | 1) => Math.max(...rows.map((row) => row[column].length));
  const [first, second] = [width(0), width(1)];
  const line = ([what, value, note]: Row) =>
    `  ${what.padEnd(first)}  ${value.padEnd(second)}  ${note}`.trimEnd();
  return sections.map(({ title, rows }) => `${title}\n${rows.map(line).join('\n')}\n`).join('\n');
}

export function renderMarkdown(sections: readonly Section[]): string {
  const cell = (text: string) => text.replaceAll('|', '\\|');
  return sections
    .map(({ title, rows }) =>
      [
        `### ${title}`,
        '',
        '| what | value | note |',
        '| --- | --- | --- |',
        ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`.replace(/ {2,}\|$/, ' |')),
        '',
      ].join('\n'),
    )
    .join('\n');
}

/**
 * Puts new numbers between the markers of a page; what stands around them stays.
 *
 * @returns undefined when the page has no markers, or has them the wrong way round
 */
export function replaceNumbers(page: string, numbers: string): string | undefined {
  const begin = page.indexOf(BEGIN_MARKER);
  const end = page.indexOf(END_MARKER);
  if (begin < 0 || end < begin) return undefined;
  return `${page.slice(0, begin + BEGIN_MARKER.length)}\n\n${numbers.trim()}\n\n${page.slice(end)}`;
}
