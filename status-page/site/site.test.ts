import { afterEach, describe, expect, test } from 'vitest';
import { BulkheadError } from '../../base/errors.ts';
import { healthyStatus } from '../example-status.ts';
import { FORM_HEADERS } from '../http-policy.ts';
import { SITE_GLANCE_WAIT_MS, SITE_PAGE_MAX_BYTES } from '../limits.ts';
import { createStatusApp, type StatusApp } from '../status-app.ts';
import { testSource } from '../test-source.ts';
import { exampleSite } from './example-site.ts';
import { renderSitePage } from './page.tsx';
import type { SiteReport } from './report.ts';
import type { SiteAdmission, SiteSource } from './source.ts';

const apps: StatusApp[] = [];
afterEach(() => {
  for (const app of apps.splice(0)) app.close();
});

interface Given {
  report?: () => Promise<unknown>;
  admit?: () => Promise<void>;
  none?: true;
}

const HOST = 'http://192.168.1.20';
const FILLED = { fingerprint: '1a2b3c4d', tier: 'self_heal', console_code: '123 456' };

function start({ report = async () => exampleSite(), admit = async () => {}, none }: Given = {}) {
  const problems: string[] = [];
  const admitted: SiteAdmission[] = [];
  let clock_ms = 0;
  let asked = 0;
  const source: SiteSource = {
    report: () => {
      asked += 1;
      return report();
    },
    admit: async (admission) => {
      admitted.push(admission);
      await admit();
    },
  };
  const app = createStatusApp({
    source: testSource(healthyStatus()),
    ...(none ? {} : { site: source }),
    onProblem: (problem) =>
      problems.push(JSON.stringify([problem.code, problem.message, String(problem.cause)])),
    now_ms: () => clock_ms,
  });
  apps.push(app);
  const get = (path: string, headers = {}) => app.handle(new Request(`${HOST}${path}`, { headers }));
  const post = (
    fields: Record<string, string> | string,
    headers: Record<string, string> = {},
    path = '/site/admit',
  ) =>
    app.handle(
      new Request(`${HOST}${path}`, {
        method: 'POST',
        headers: {
          ...{ 'content-type': 'application/x-www-form-urlencoded', origin: HOST, accept: 'text/html' },
          ...headers,
        },
        body: typeof fields === 'string' ? fields : new URLSearchParams(fields).toString(),
      }),
    );
  const advance = (by_ms: number) => {
    clock_ms += by_ms;
  };
  return { get, post, advance, problems, admitted, asked: () => asked };
}

describe('the page', () => {
  test('is complete without a script: who is in, who waits, what is open, what was done, and what is on record', async () => {
    const answer = await start().get('/site');
    expect(answer.status).toBe(200);
    const html = await answer.text();
    expect(html).not.toContain('<script');
    const text = html.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');
    for (const words of [
      ...[
        '2 findings',
        '1 live of 2',
        'till-2',
        '1.4.0 (behind 1.5.0)',
        'heard 12 min ago',
        'heard 12 s ago',
        'revoked',
        'heard never',
      ],
      ...[
        '1a2b3c4d',
        'desk-8',
        '192.168.1.31',
        'no rules are loaded',
        '12 updates wait',
        'should be: a rule set',
      ],
      ...['1 check fails', 'passwords are refused', 'healed', 'given up', 'three attempts did not help'],
      ...['7 healed, 2 attempts without success', 'attempts are used up', '812 records', 'up to 800'],
    ])
      expect(text).toContain(words);
  });

  test('says at once that nothing is open, and that sensors are not enabled', () => {
    const report = exampleSite();
    const counts = {
      ...{ ...report.counts, sensors: null, waiting: 0 },
      findings: { critical: 0, high: 0, medium: 0, low: 0, info: 0 },
    };
    const html = renderSitePage({ ...report, counts, sensors: [], waiting: [], findings: [] }, null);
    expect(html).toContain('Nothing open');
    expect(html).toContain('Sensors are not enabled');
    expect(html).not.toContain('<form');
  });

  test('shows one that was let in without a form, for it is in at its next try', () => {
    const report = exampleSite();
    const waiting = report.waiting.slice(0, 1).map((each) => ({ ...each, approved: true }));
    const html = renderSitePage({ ...report, waiting }, null);
    expect(html).toContain('let in at its next try');
    expect(html).not.toContain('<form');
  });

  test('escapes whatever a sensor says, and stays small with every list full of it', () => {
    const evil = '<script>alert(1)</script>"\'&'.repeat(200);
    const html = renderSitePage(fullOf(exampleSite(), evil), null);
    expect(html).not.toContain('<script');
    expect(Buffer.byteLength(html)).toBeLessThan(SITE_PAGE_MAX_BYTES);
  });
});

test('the same as JSON, described by OpenAPI with the form; a field without a place in the schema is left behind', async () => {
  const { get } = start({ report: async () => ({ ...exampleSite(), console_code: '123456' }) });
  expect(await (await get('/api/v1/site')).json()).toEqual(exampleSite());
  const api = (await (await get('/openapi.json')).json()) as {
    paths: Record<string, Record<string, { requestBody?: { content: object } }>>;
    components: { schemas: Record<string, unknown> };
  };
  expect(api.components.schemas).toHaveProperty('SiteReport');
  expect(Object.keys(api.paths['/site/admit']?.['post']?.requestBody?.content ?? {})).toEqual([
    'application/x-www-form-urlencoded',
  ]);
});

test('the status page leads there, and goes on without the service', async () => {
  const html = await (await start().get('/')).text();
  expect(html).toContain('1 live of 2');
  expect(html).toContain('Let in who waits');
  const without = await start({ none: true }).get('/');
  expect(without.status).toBe(200);
  expect(await without.text()).not.toContain('id="site"');
});

test('a service that hangs holds up neither the status page nor a scrape', async () => {
  const { get } = start({ report: () => new Promise(() => {}) });
  const began_ms = performance.now();
  expect((await get('/')).status).toBe(200);
  expect(await (await get('/metrics')).text()).not.toContain('bulkhead_sensors');
  expect(performance.now() - began_ms).toBeLessThan(SITE_GLANCE_WAIT_MS * 2 + 1_000);
});

test('metrics count sensors, findings, healings, events and evidence, and claim nothing that is not known', async () => {
  const lines = (await (await start().get('/metrics')).text()).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      ...[
        'bulkhead_sensors{state="live"} 1',
        'bulkhead_sensors{state="silent"} 1',
        'bulkhead_sensors_waiting 2',
      ],
      ...['bulkhead_findings_open{severity="high"} 1', 'bulkhead_findings_open{severity="critical"} 0'],
      ...['bulkhead_healings{state="healed"} 7', 'bulkhead_healings{state="gave_up"} 1'],
      ...[
        'bulkhead_events_stored 4096',
        'bulkhead_evidence_records 812',
        'bulkhead_evidence_size_bytes 1500000',
      ],
      'bulkhead_evidence_countersigned_timestamp_seconds 1795261680',
    ]),
  );
  const report = exampleSite();
  const quiet = { ...report, counts: { ...report.counts, sensors: null } };
  expect(await (await start({ report: async () => quiet }).get('/metrics')).text()).not.toContain(
    'bulkhead_sensors',
  );
  const silent = start({ report: () => Promise.reject(new Error('socket')) });
  expect(await (await silent.get('/metrics')).text()).not.toMatch(
    /bulkhead_(sensors|findings|events_s|evidence)/,
  );
});

test.each([
  ['a source that fails', { report: () => Promise.reject(new Error('socket /run/x')) }],
  ['a report that breaks its schema', { report: async () => ({ ...exampleSite(), hostname: 7 }) }],
  ['no source at all', { none: true as const }],
])('%s is said, without its causes', async (_, given) => {
  const { get } = start(given);
  const page = await get('/site', { accept: 'text/html' });
  expect(page.status).toBe(503);
  const html = await page.text();
  expect(html).toContain('STATUS_SITE_FAILED');
  expect(html).not.toContain('/run/x');
  expect(await (await get('/api/v1/site')).json()).toMatchObject({ error: { code: 'STATUS_SITE_FAILED' } });
});

describe('the form', () => {
  test('lets one in and leads back; the page behind it is asked for anew', async () => {
    const { get, post, admitted, asked } = start();
    await get('/site');
    const answer = await post(FILLED);
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/site#waiting']);
    expect(admitted).toEqual([{ fingerprint: '1a2b3c4d', tier: 'self_heal', console_code: '123456' }]);
    await get('/site');
    expect(asked()).toBe(2);
    // Who reloads what a refused form has answered with is led back, too.
    expect((await get('/site/admit')).status).toBe(303);
  });

  test.each([
    ['SENSOR_CONSOLE_CODE', 403],
    ['SENSOR_CONSOLE_LOCKED', 429],
    ['SENSOR_NOT_WAITING', 409],
  ])(
    '%s is said beside what was filled in, with its hint, and the code is not repeated',
    async (code, status) => {
      const refused = async () => {
        throw new BulkheadError(code, 'that did not work', { hint: 'look at the screen' });
      };
      const { post, problems } = start({ admit: refused });
      const answer = await post(FILLED);
      expect(answer.status).toBe(status);
      const html = await answer.text();
      expect(html).toContain('that did not work');
      expect(html).toContain('look at the screen');
      expect(html).toMatch(/<option value="self_heal" selected/);
      expect(html.match(/role="alert"/g)).toHaveLength(1);
      expect(html).not.toMatch(/123 ?456/);
      expect(problems).toEqual([]);
      const json = await post(FILLED, { accept: 'application/json' });
      expect(await json.json()).toEqual({
        error: { code, message: 'that did not work', hint: 'look at the screen' },
      });
    },
  );

  test('a refusal about one that is not on the list any more is said, too', async () => {
    const { post } = start({
      admit: async () => {
        throw new BulkheadError('SENSOR_NOT_WAITING', 'nobody waits under ffffffff');
      },
    });
    expect(await (await post({ ...FILLED, fingerprint: 'ffffffff' })).text()).toContain(
      'nobody waits under ffffffff',
    );
  });

  test('what is no matter of the form is said without its causes, and the code is in no log', async () => {
    const { post, problems } = start({ admit: () => Promise.reject(new Error('socket /run/x')) });
    const answer = await post(FILLED);
    expect(answer.status).toBe(503);
    expect(await answer.text()).not.toContain('/run/x');
    expect(problems).toHaveLength(1);
    expect(problems.join()).not.toMatch(/123 ?456/);
  });

  test.each([
    [{ ...FILLED, fingerprint: '<b>' }, 'The fingerprint is not one.'],
    [{ ...FILLED, tier: 'root' }, 'may be told to do'],
    [{ ...FILLED, console_code: '12345' }, 'six digits'],
    [{ fingerprint: '1a2b3c4d' } as unknown as typeof FILLED, 'may be told to do'],
  ])('a field that does not hold is named: %o', async (fields, words) => {
    const { post, admitted } = start();
    const answer = await post(fields);
    expect(answer.status).toBe(422);
    expect(await answer.text()).toContain(words);
    expect(admitted).toEqual([]);
  });

  test.each([
    ['a page of somebody else', { origin: 'http://elsewhere.example' }, 'STATUS_FORM_ORIGIN', 403],
    ['a page that hides where it is', { origin: 'null' }, 'STATUS_FORM_ORIGIN', 403],
    ['another port of this machine', { origin: `${HOST}:8080` }, 'STATUS_FORM_ORIGIN', 403],
    ['a frame elsewhere, by fetch metadata', { 'sec-fetch-site': 'cross-site' }, 'STATUS_FORM_ORIGIN', 403],
    ['another host of the domain', { 'sec-fetch-site': 'same-site' }, 'STATUS_FORM_ORIGIN', 403],
    ['JSON', { 'content-type': 'application/json' }, 'STATUS_FORM_TYPE', 415],
    ['a file', { 'content-type': 'multipart/form-data; boundary=x' }, 'STATUS_FORM_TYPE', 415],
  ])('is not taken from %s', async (_, headers, code, status) => {
    const { post, admitted } = start();
    const answer = await post(FILLED, headers as unknown as Record<string, string>);
    expect(answer.status).toBe(status);
    expect(await answer.text()).toContain(code);
    expect(admitted).toEqual([]);
  });

  test('is taken by what fetch metadata says where a browser tells it, whatever the name of the appliance', async () => {
    const { post, admitted } = start();
    await post(FILLED, { 'sec-fetch-site': 'same-origin', origin: 'https://proxy.example' });
    await post(FILLED, { host: 'Appliance:80', origin: 'http://appliance' });
    expect(admitted).toHaveLength(2);
  });

  test('is not taken without a word of where it comes from, nor when it is too long', async () => {
    const { post, admitted } = start();
    expect((await post(FILLED, { origin: '' })).status).toBe(403);
    const long = await post(`console_code=${'1'.repeat(1_100)}`);
    expect(long.status).toBe(413);
    expect(await long.text()).toContain('STATUS_FORM_SIZE');
    expect(admitted).toEqual([]);
  });

  test('is the only thing that can be posted', async () => {
    const { post, get } = start();
    for (const path of ['/', '/site', '/api/v1/site', '/site/admit/', '/site/admit/x'])
      expect((await post(FILLED, {}, path)).status, path).toBe(405);
    const other = await get('/nowhere');
    expect(other.headers.get('content-security-policy')).toContain("form-action 'none'");
  });

  test('goes to this server alone, and tells it its origin', async () => {
    const { headers } = await start().get('/site');
    for (const [name, value] of Object.entries(FORM_HEADERS)) expect(headers.get(name)).toBe(value);
    expect(headers.get('content-security-policy')).toContain("form-action 'self'");
    expect(headers.get('referrer-policy')).toBe('same-origin');
  });
});

/** The report with one text in every place where somebody's words stand, and every list full. */
function fullOf(report: SiteReport, words: string): SiteReport {
  const many = <T>(list: readonly T[], more: Partial<T>): T[] =>
    Array.from({ length: 100 }, () => list[0]).flatMap((each) => (each ? [{ ...each, ...more }] : []));
  const who = { subject: words, hostname: words, check_type: words };
  return {
    ...{ ...report, hostname: words },
    sensors: many(report.sensors, { id: words, hostname: words, os_version: words, agent_version: words }),
    waiting: many(report.waiting, { hostname: words, address: words, os_version: words, way: words }),
    machines: many(report.machines, {
      name: words,
      address: words,
      failing: [words],
      tier: words,
      way: words,
    }),
    findings: many(report.findings, { ...who, expected: words, actual: words }),
    events: many(report.events, { ...who, actual: words }),
    healings: many(report.healings, { ...who, action: words, reason: words }),
    healing: {
      ...{ ...report.healing, reason: words, by_whom: words },
      stopped: many(report.healing.stopped, { ...who, why: words }),
    },
    evidence: { ...report.evidence, failure: words },
  };
}
