import type { ComplianceReport, ControlState, Tally } from '../../../status-page/compliance/report.ts';
import { EXPORT_TEXT_MAX, PDF_MACHINES_MAX } from '../limits.ts';
import type { ExportRow } from './rows.ts';
import { type Cell, type Colour, Sheet } from './sheet.ts';

const STATES: Readonly<Record<ControlState, readonly [word: string, colour: Colour]>> = {
  fails: ['fails', 'bad'],
  unknown: ['unknown', 'wait'],
  justified: ['justified', 'wait'],
  holds: ['holds', 'good'],
  not_applicable: ['not applicable', 'plain'],
};

/** The report as a file to hand over: summary, controls, machines, findings, justifications, history. The same report is the same bytes. */
export async function renderPdf(report: ComplianceReport, rows: readonly ExportRow[]): Promise<Uint8Array> {
  const title = `Compliance of ${report.hostname}`;
  const sheet = await Sheet.open(title, new Date(report.generated_at));
  sheet.heading(title, 20);
  sheet.paragraph(
    `Looked at ${report.generated_at}. Period of the history: ${report.period.from} to ${report.period.until}.`,
  );
  sheet.paragraph(summaryOf(report.appliance));
  for (const problem of report.problems) sheet.paragraph(`Note: ${problem}.`);
  await writeRates(sheet, report);
  await writeControls(sheet, report);
  await writeJustifications(sheet, rows);
  await writeMachines(sheet, report);
  await writeFindings(sheet, report);
  return sheet.end(`${title}, ${report.generated_at}`);
}

function summaryOf(tally: Tally): string {
  const { holds, fails, unknown, justified, not_applicable, rate, strict_rate } = tally;
  return (
    `Of the controls of the appliance ${holds} hold, ${fails} fail, ${unknown} are unknown and ${justified} are justified; ${not_applicable} do not ` +
    `apply. Compliance: ${percent(rate)}, and ${percent(strict_rate)} without justifications. What is unknown counts as not compliant.`
  );
}

async function writeRates(sheet: Sheet, { frameworks, appliance, history }: ComplianceReport): Promise<void> {
  sheet.heading('Rates');
  const row = (name: string, tally: Tally): Cell[] => [
    { text: name },
    { text: percent(tally.rate), bold: true },
    { text: percent(tally.strict_rate) },
    ...[tally.holds, tally.fails, tally.unknown, tally.justified].map((count) => ({ text: String(count) })),
  ];
  await sheet.table(
    [
      { title: 'of', share: 6 },
      { title: 'compliance', share: 1.5 },
      { title: 'strict', share: 1.2 },
      { title: 'holds', share: 1 },
      { title: 'fails', share: 1 },
      { title: 'unknown', share: 1.2 },
      { title: 'justified', share: 1.2 },
    ],
    [
      row('the appliance', appliance),
      ...frameworks.map((each) => row(`${each.framework}: ${each.title}`, each)),
    ],
  );
  if (history.length < 2) return;
  sheet.heading('The appliance, day by day', 10);
  sheet.bars(history.map(({ rate }) => rate));
}

async function writeControls(sheet: Sheet, { controls }: ComplianceReport): Promise<void> {
  sheet.heading('Controls');
  await sheet.table(
    [
      { title: 'control', share: 2.1 },
      { title: 'state', share: 1.4 },
      { title: 'what it demands', share: 4.6 },
      { title: 'what was seen', share: 3.6 },
      { title: 'sections', share: 3.3 },
    ],
    controls.map(({ id, title, state, demand, seen, references }) => [
      { text: `${id} ${title}` },
      stateCell(state),
      { text: demand },
      { text: clip(seen) },
      { text: references.map(({ sections }) => sections.join(', ')).join(', ') },
    ]),
    7,
  );
}

async function writeJustifications(sheet: Sheet, rows: readonly ExportRow[]): Promise<void> {
  const justified = rows.filter(({ justification }) => justification !== '');
  if (justified.length === 0) return;
  sheet.heading('Justifications');
  await sheet.table(
    [
      { title: 'control', share: 2 },
      { title: 'why it does not hold, and what stands in its place', share: 8 },
      { title: 'until', share: 1.4 },
    ],
    justified.map(({ control, title, justification, until }) => [
      { text: `${control} ${title}` },
      { text: clip(justification) },
      { text: until === '' ? 'as built' : until },
    ]),
    7.5,
  );
}

async function writeMachines(sheet: Sheet, { machines, machines_left_out }: ComplianceReport): Promise<void> {
  sheet.heading('Machines');
  await sheet.table(
    [
      { title: 'machine', share: 4 },
      { title: 'compliance', share: 1.5 },
      { title: 'holds', share: 1 },
      { title: 'fails', share: 1 },
      { title: 'unknown', share: 1.2 },
      { title: 'failing or unknown', share: 5 },
    ],
    machines
      .slice(0, PDF_MACHINES_MAX)
      .map(({ subject, hostname, rate, holds, fails, unknown, failing }) => [
        { text: subject === hostname ? subject : `${clip(hostname)} (${subject})` },
        { text: percent(rate), bold: true },
        { text: String(holds) },
        { text: String(fails) },
        { text: String(unknown) },
        { text: clip(failing.join(' ')) },
      ]),
  );
  const more = machines_left_out + Math.max(0, machines.length - PDF_MACHINES_MAX);
  if (more > 0) sheet.paragraph(`And ${more} more, which the CSV has.`);
}

async function writeFindings(sheet: Sheet, { findings, findings_left_out }: ComplianceReport): Promise<void> {
  sheet.heading('Open findings');
  if (findings.length === 0) sheet.paragraph('None.');
  else
    await sheet.table(
      [
        { title: 'machine', share: 2.6 },
        { title: 'check', share: 2 },
        { title: 'severity', share: 1.2 },
        { title: 'since', share: 2.2 },
        { title: 'expected', share: 3.5 },
        { title: 'found', share: 3.5 },
      ],
      findings.map(({ hostname, check_type, severity, opened_at, expected, actual }) => [
        { text: clip(hostname) },
        { text: check_type },
        { text: severity },
        { text: opened_at },
        { text: clip(expected) },
        { text: clip(actual) },
      ]),
      7,
    );
  if (findings_left_out > 0) sheet.paragraph(`And ${findings_left_out} more.`);
}

function stateCell(state: ControlState): Cell {
  const [text, colour] = STATES[state];
  return { text, colour, bold: true };
}

function percent(rate: number | null): string {
  // Rounded down: 99.96 % is not all of it.
  return rate === null ? 'none' : `${(Math.floor(rate * 1000) / 10).toFixed(1)} %`;
}

function clip(text: string): string {
  return text.length <= EXPORT_TEXT_MAX ? text : `${text.slice(0, EXPORT_TEXT_MAX)}...`;
}
