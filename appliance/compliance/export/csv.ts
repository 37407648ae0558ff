import type { ExportRow } from './rows.ts';

const HEAD = [
  'subject',
  'hostname',
  'control',
  'title',
  'severity',
  'state',
  'seen',
  'since',
  'hipaa',
  'srg',
  'stig',
  'justification',
  'justified_until',
  'looked_at',
];

/**
 * A line a result, as RFC 4180 has it: CRLF, and quotes where they are needed.
 *
 * @param looked_at RFC 3339, in every line: lines of several exports can be put together
 */
export function renderCsv(rows: readonly ExportRow[], looked_at: string): string {
  const lines = rows.map((row) => [
    ...[row.subject, row.hostname, row.control, row.title, row.severity, row.state, row.seen, row.since],
    ...[row.sections.HIPAA, row.sections.SRG, row.sections.STIG, row.justification, row.until, looked_at],
  ]);
  return [HEAD, ...lines].map((line) => `${line.map(field).join(',')}\r\n`).join('');
}

/**
 * A spreadsheet runs what begins like a formula, and what a sensor says stands in here: such a text gets an apostrophe in front, which
 * spreadsheets take for "this is text" (OWASP, CSV injection).
 */
function field(text: string): string {
  const safe = /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
