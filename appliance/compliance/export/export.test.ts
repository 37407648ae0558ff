import { PDFDocument } from '@cantoo/pdf-lib';
import { expect, test } from 'vitest';
import type { ComplianceReport } from '../../../status-page/compliance/report.ts';
import { makeFolder } from '../../../test/unit/make-folder.ts';
import type { Run } from '../compliance.ts';
import { goodSight } from '../lab/sight.ts';
import { startCompliance } from '../lab/start-compliance.ts';
import { renderCsv } from './csv.ts';
import { renderPdf } from './pdf.ts';
import { type ExportRow, exportRows } from './rows.ts';

async function exampleRun(): Promise<Run> {
  const lab = startCompliance(makeFolder('export'));
  lab.sight = { ...goodSight(), wirelessUp: ['wlan0'] };
  const run = await lab.compliance.run();
  await lab.stop();
  return run;
}

const ROW: ExportRow = {
  ...{
    subject: 's-1',
    hostname: 'till-1',
    control: 'BH-EP-01',
    title: 'Disk',
    severity: 'high',
    state: 'fails',
  },
  ...{ seen: 'off', since: '', sections: { HIPAA: '', SRG: '', STIG: '' }, justification: '', until: '' },
};

test('a line a result, with a head, in the form of RFC 4180', async () => {
  const run = await exampleRun();
  const text = renderCsv(exportRows(run), run.report.generated_at);
  const lines = text.split('\r\n');
  expect(lines.pop()).toBe('');
  expect(lines).toHaveLength(run.assessment.results.length + 1);
  expect(lines.find((line) => line.includes('BH-SC-17'))).toBe(
    'appliance,bulkhead-1,BH-SC-17,Wireless off,medium,fails,up: wlan0,2026-11-21T12:00:00.000Z,164.312(e)(1),' +
      'SRG-OS-000299-GPOS-00117 SRG-OS-000300-GPOS-00118,RHEL-09-291040 UBTU-24-600230,,,2026-11-21T12:00:00.000Z',
  );
});

test('commas, quotes and line breaks stay inside their field', () => {
  expect(renderCsv([{ ...ROW, seen: 'a, "b"\nc' }], 'now').split('\r\n')[1]).toContain(',"a, ""b""\nc",');
});

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '=HYPERLINK("http://x","y")'])(
  'what begins like a formula is text for a spreadsheet: %j',
  (seen) => {
    const line = renderCsv([{ ...ROW, seen }], 'now').slice(renderCsv([], 'now').length);
    expect(line).toMatch(/fails,"?'/);
  },
);

test('the same report is the same PDF, byte for byte, and another is another', async () => {
  const { report, ...rest } = await exampleRun();
  const rows = exportRows({ report, ...rest });
  const one = Buffer.from(await renderPdf(report, rows));
  await Bun.sleep(1_100);
  expect(Buffer.from(await renderPdf(structuredClone(report), rows)).equals(one)).toBe(true);
  expect(Buffer.from(await renderPdf({ ...report, hostname: 'other' }, rows)).equals(one)).toBe(false);
});

test('a PDF can be read back: title, moment, pages', async () => {
  const { report, ...rest } = await exampleRun();
  const file = await PDFDocument.load(await renderPdf(report, exportRows({ report, ...rest })), {
    updateMetadata: false,
  });
  expect(file.getTitle()).toBe('Compliance of bulkhead-1');
  expect(file.getCreationDate()?.toISOString()).toBe(report.generated_at);
  expect(file.getPageCount()).toBeGreaterThan(2);
  expect(file.getPageCount()).toBeLessThan(12);
});

test('the largest report, in letters that no font has, is still a PDF', async () => {
  const { report, ...rest } = await exampleRun();
  const odd = `日本語 \u{1f6a2} ${'x'.repeat(3_000)} \u0007`;
  const finding = { subject: 's-1', hostname: odd, check_type: 'x', control: null, severity: 'high' };
  const large: ComplianceReport = {
    ...report,
    hostname: odd,
    findings: Array.from({ length: 100 }, () => ({
      ...{ ...finding, opened_at: report.generated_at, expected: odd, actual: odd },
    })),
    machines: Array.from({ length: 500 }, () => ({
      ...report.appliance,
      subject: 's-1',
      hostname: odd,
      failing: [odd],
    })),
    problems: [odd],
  };
  const bytes = await renderPdf(large, exportRows({ report: large, ...rest }));
  expect(bytes.length).toBeLessThan(2 * 1024 * 1024);
  expect((await PDFDocument.load(bytes)).getPageCount()).toBeGreaterThan(10);
}, 60_000);
