import { afterEach, describe, expect, test } from 'vitest';
import type { BulkheadError } from '../../base/errors.ts';
import { healthyStatus } from '../example-status.ts';
import { COMPLIANCE_PAGE_MAX_BYTES } from '../limits.ts';
import { createStatusApp, type StatusApp } from '../status-app.ts';
import { testSource } from '../test-source.ts';
import { exampleReport } from './example-report.ts';
import { renderCompliancePage } from './page.tsx';
import { CONTROL_STATES, type ComplianceReport, filterControls, readFilter } from './report.ts';
import type { ComplianceSource } from './source.ts';

const apps: StatusApp[] = [];
afterEach(() => {
  for (const app of apps.splice(0)) app.close();
});

interface Given {
  report?: () => Promise<unknown>;
  none?: true;
}

function start({ report = async () => exampleReport(), none }: Given = {}) {
  const problems: BulkheadError[] = [];
  let clock_ms = 0;
  let asked = 0;
  const source: ComplianceSource = {
    report: () => {
      asked += 1;
      return report();
    },
    csv: async () => new TextEncoder().encode('subject\r\n'),
    pdf: async () => new TextEncoder().encode('%PDF-1.7'),
  };
  const app = createStatusApp({
    source: testSource(healthyStatus()),
    ...(none ? {} : { compliance: source }),
    onProblem: (problem) => problems.push(problem),
    now_ms: () => clock_ms,
  });
  apps.push(app);
  const get = (path: string, headers = {}) =>
    app.handle(new Request(`http://192.168.1.20${path}`, { headers }));
  const advance = (by_ms: number) => {
    clock_ms += by_ms;
  };
  return { get, advance, problems, asked: () => asked };
}

const controlsOf = (html: string) =>
  [...html.matchAll(/<span class="mono">(BH-..-\d\d)<\/span>/g)].map(([, id]) => id);

describe('the page', () => {
  test('is complete without a script, and says what fails before anything else', async () => {
    const answer = await start().get('/compliance');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const html = await answer.text();
    expect(html).not.toContain('<script');
    expect(html).toContain('1 fails');
    expect(html).toContain('up: wlan0');
    expect(controlsOf(html)).toEqual(['BH-AC-01', 'BH-AU-05', 'BH-SC-10', 'BH-SC-17', 'BH-EP-01']);
    expect(html).toContain('the disk is not encrypted');
    for (const address of ['/compliance.pdf', '/compliance.csv', '/api/v1/compliance'])
      expect(html).toContain(`href="${address}"`);
  });

  test.each([
    ['framework=STIG', ['BH-SC-10']],
    ['state=fails', ['BH-SC-17', 'BH-EP-01']],
    ['framework=HIPAA&state=justified', ['BH-SC-10']],
    ['framework=ISO&state=odd', ['BH-AC-01', 'BH-AU-05', 'BH-SC-10', 'BH-SC-17', 'BH-EP-01']],
  ])('shows the controls of ?%s', async (query, ids) => {
    const html = await (await start().get(`/compliance?${query}`)).text();
    expect(controlsOf(html)).toEqual(ids);
  });

  test('keeps the one filter while the other is changed, and marks the one in force', async () => {
    const html = await (await start().get('/compliance?framework=HIPAA&state=fails')).text();
    expect(html).toContain('href="/compliance?framework=STIG&state=fails#controls"');
    expect(html).toMatch(
      /href="\/compliance\?framework=HIPAA&state=fails#controls" aria-current="true">fails</,
    );
  });

  test('escapes whatever a sensor says, wherever it stands', () => {
    const evil = '<script>alert(1)</script>"\'&';
    const html = renderCompliancePage(everywhere(exampleReport(), evil), { framework: null, state: null });
    expect(html).not.toContain('<script');
    expect(html).not.toContain(evil);
  });

  test('stays small with every control and the longest words', () => {
    const report = exampleReport();
    const long = '<'.repeat(5_000);
    const [one] = report.controls;
    const [, machine] = report.machines;
    const [finding] = report.findings;
    const full = everywhere(
      {
        ...report,
        controls: Array.from({ length: 66 }, () => one).flatMap((each) => each ?? []),
        machines: Array.from({ length: 500 }, () => machine).flatMap((each) => each ?? []),
        findings: Array.from({ length: 100 }, () => finding).flatMap((each) => each ?? []),
        problems: Array.from({ length: 100 }, () => ''),
      },
      long,
    );
    const html = renderCompliancePage(full, { framework: null, state: null });
    expect(Buffer.byteLength(html)).toBeLessThan(COMPLIANCE_PAGE_MAX_BYTES);
  });
});

test('the same as JSON, filtered alike, and described by OpenAPI', async () => {
  const { get } = start();
  expect(await (await get('/api/v1/compliance')).json()).toEqual(exampleReport());
  const failing = (await (await get('/api/v1/compliance?state=fails')).json()) as ComplianceReport;
  expect(failing.controls.map(({ id }) => id)).toEqual(['BH-SC-17', 'BH-EP-01']);
  const api = (await (await get('/openapi.json')).json()) as {
    paths: Record<string, { get: { parameters?: { name: string; schema: { enum: string[] } }[] } }>;
    components: { schemas: Record<string, unknown> };
  };
  expect(Object.keys(api.paths)).toEqual(
    expect.arrayContaining(['/compliance', '/api/v1/compliance', '/compliance.csv', '/compliance.pdf']),
  );
  expect(api.components.schemas).toHaveProperty('ComplianceReport');
  const { parameters } = api.paths['/api/v1/compliance']?.get ?? {};
  expect(parameters?.find(({ name }) => name === 'state')?.schema.enum).toEqual([...CONTROL_STATES]);
});

test('the exports are files to keep, and the policy of the server holds for them', async () => {
  const { get } = start();
  const pdf = await get('/compliance.pdf');
  expect(await pdf.text()).toBe('%PDF-1.7');
  expect(pdf.headers.get('content-type')).toBe('application/pdf');
  expect(pdf.headers.get('content-disposition')).toBe('attachment; filename="compliance.pdf"');
  expect(pdf.headers.get('x-content-type-options')).toBe('nosniff');
  expect((await get('/compliance.csv')).headers.get('content-type')).toBe('text/csv; charset=utf-8');
});

test('a room full of pages costs one question each five seconds', async () => {
  const { get, advance, asked } = start();
  await Promise.all([get('/compliance'), get('/compliance'), get('/api/v1/compliance')]);
  advance(4_999);
  await get('/compliance');
  expect(asked()).toBe(1);
  advance(1);
  await get('/compliance');
  expect(asked()).toBe(2);
});

test.each([
  ['a source that fails', { report: () => Promise.reject(new Error('socket /run/x')) }],
  ['a report that breaks its schema', { report: async () => ({ ...exampleReport(), hostname: 7 }) }],
  ['no source at all', { none: true as const }],
])('%s is said, without its causes, and the status page goes on', async (_, given) => {
  const { get } = start(given);
  const page = await get('/compliance', { accept: 'text/html' });
  expect(page.status).toBe(503);
  const html = await page.text();
  expect(html).toContain('STATUS_COMPLIANCE_FAILED');
  expect(html).not.toContain('/run/x');
  const json = await get('/api/v1/compliance');
  expect(await json.json()).toMatchObject({ error: { code: 'STATUS_COMPLIANCE_FAILED' } });
  expect((await get('/')).status).toBe(200);
});

test('it can only be read', async () => {
  const app = createStatusApp({ source: testSource(healthyStatus()) });
  apps.push(app);
  const answer = await app.handle(new Request('http://localhost/compliance', { method: 'POST' }));
  expect(answer.status).toBe(405);
});

test('what has no field in the schema cannot be shown', async () => {
  const { get } = start({ report: async () => ({ ...exampleReport(), secret: 'x' }) });
  expect(await (await get('/api/v1/compliance')).json()).not.toHaveProperty('secret');
});

test('a filter is read leniently', () => {
  const { controls } = exampleReport();
  const filter = readFilter(new URLSearchParams('framework=hipaa'));
  expect(filter).toEqual({ framework: null, state: null });
  expect(filterControls(controls, filter)).toHaveLength(controls.length);
});

/** The report with one text in every place where somebody's words stand. */
function everywhere(report: ComplianceReport, words: string): ComplianceReport {
  const reason = { by: 'configuration' as const, reason: words, compensates: words, until: words };
  return {
    ...report,
    hostname: words,
    frameworks: report.frameworks.map((each) => ({ ...each, title: words })),
    controls: report.controls.map((each) => ({
      ...{ ...each, title: words, demand: words, seen: words, justification: reason },
      references: [{ framework: 'HIPAA', sections: [words] }],
    })),
    machines: report.machines.map((each) => ({ ...each, subject: words, hostname: words, failing: [words] })),
    findings: report.findings.map((each) => ({
      ...{ ...each, subject: words, hostname: words, check_type: words, severity: words },
      ...{ expected: words, actual: words },
    })),
    problems: report.problems.length === 0 ? [words] : report.problems.map(() => words),
  };
}
