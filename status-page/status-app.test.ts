import { describe, expect, test } from 'vitest';
import { ICONS, SCRIPT, STYLE } from './assets.ts';
import { healthyStatus, rescueStatus } from './example-status.ts';
import { SECURITY_HEADERS } from './http-policy.ts';
import type { Status } from './status.ts';
import { createStatusApp } from './status-app.ts';
import { testSource } from './test-source.ts';

function app(answer: Status | Error = healthyStatus()) {
  const source = testSource(answer);
  const problems: string[] = [];
  const made = createStatusApp({ source, onProblem: (problem) => problems.push(problem.code) });
  const get = (path: string, init: RequestInit = {}) =>
    made.handle(new Request(`http://localhost${path}`, init));
  return { ...made, source, problems, get };
}

/** The body as what the test expects it to be; the assertions are what checks it. */
async function json(response: Response): Promise<Body> {
  return (await response.json()) as Body;
}

interface Body {
  error: { code: string };
  paths: Record<string, { get: { summary: string; responses: Record<string, { content?: object }> } }>;
  components: { schemas: Record<string, { properties: Record<string, { type: string }> }> };
}

const PAGE = { headers: { accept: 'text/html,application/xhtml+xml' } };

const ROUTES = [
  '/',
  '/api/v1/status',
  '/api/v1/verdicts',
  '/openapi.json',
  '/metrics',
  '/healthz',
  STYLE.path,
];

describe('every answer', () => {
  test.each([...ROUTES, '/nowhere', '/assets/none.css'])('%s carries the security headers', async (path) => {
    const { headers } = await app().get(path);
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) expect(headers.get(name)).toBe(value);
  });

  test('allows nothing from outside and no frame around it', async () => {
    const policy = (await app().get('/')).headers.get('content-security-policy');
    expect(policy).toBe(
      "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
  });

  test.each(['/', '/api/v1/status', '/metrics', '/healthz', '/nowhere'])(
    '%s is not kept by caches',
    async (path) => {
      expect((await app().get(path)).headers.get('cache-control')).toBe('no-store');
    },
  );

  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
    'refuses %s everywhere and says what is allowed',
    async (method) => {
      const { get, source } = app();
      for (const path of [...ROUTES, '/nowhere']) {
        const response = await get(path, { method });
        expect(response.status).toBe(405);
        expect(response.headers.get('allow')).toBe('GET, HEAD');
        expect((await json(response)).error.code).toBe('STATUS_METHOD_NOT_ALLOWED');
      }
      expect(source.calls).toBe(0);
    },
  );

  test.each(ROUTES)('HEAD %s tells what GET would, without the body', async (path) => {
    const { get } = app();
    const [head, full] = [await get(path, { method: 'HEAD' }), await get(path)];
    expect(head.status).toBe(200);
    expect(head.headers.get('content-type')).toBe(full.headers.get('content-type'));
    expect(await head.text()).toBe('');
  });

  test.each([
    'http://a/healthz',
    'http://[fe80::1]/healthz',
    'http://192.168.20.47:8080/healthz?x=1',
    'http://t/healthz#y',
  ])('is the same whatever name the appliance was called by: %s', async (url) => {
    const response = await app().handle(new Request(url));
    expect([response.status, await response.text()]).toEqual([200, 'ok\n']);
  });
});

describe('/', () => {
  test('is the page', async () => {
    const response = await app().get('/', PAGE);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await response.text()).toContain('<h1 id="verdict-word">Healthy</h1>');
  });

  test('is still a readable page when the agent fails, with status 503', async () => {
    const { get, problems } = app(new Error('internal detail'));
    const response = await get('/');
    const html = await response.text();
    expect(response.status).toBe(503);
    expect(html).toContain('The agent could not tell the state of this appliance.');
    expect(html).not.toContain('internal detail');
    expect(problems).toEqual(['STATUS_SOURCE_FAILED']);
  });
});

describe('/api/v1', () => {
  test('status is the status', async () => {
    expect(await (await app().get('/api/v1/status')).json()).toEqual(healthyStatus());
  });

  test('status never gives more than the schema', async () => {
    const leaky = { ...healthyStatus(), apiKey: 'swordfish' };
    for (const path of ['/', '/api/v1/status', '/metrics', '/api/v1/verdicts']) {
      expect(await (await app(leaky).get(path)).text()).not.toContain('swordfish');
    }
  });

  test('verdicts are the verdicts, latest first', async () => {
    expect(await (await app(rescueStatus()).get('/api/v1/verdicts')).json()).toEqual(
      rescueStatus().health.verdicts,
    );
  });

  test.each(['/api/v1/status', '/api/v1/verdicts'])(
    '%s fails with a code that a program can use',
    async (path) => {
      const response = await app(new Error('internal detail')).get(path);
      expect(response.status).toBe(503);
      expect(await json(response)).toEqual({
        error: {
          code: 'STATUS_SOURCE_FAILED',
          message: 'The agent could not tell the state of this appliance.',
          hint: expect.stringContaining('journalctl'),
        },
      });
    },
  );

  test('a status that breaks the schema is refused, not shown', async () => {
    const broken = { ...healthyStatus(), slots: 'none' } as unknown as Status;
    const body = await json(await app(broken).get('/api/v1/status'));
    expect(body.error).toMatchObject({ code: 'STATUS_INVALID', message: expect.stringContaining('/slots') });
  });
});

describe('/healthz', () => {
  test('answers without asking the agent', async () => {
    const { get, source } = app(new Error('down'));
    const response = await get('/healthz');
    expect([response.status, await response.text(), source.calls]).toEqual([200, 'ok\n', 0]);
  });
});

describe('an address that does not exist', () => {
  test('is explained to a person', async () => {
    const response = await app().get('/admin', PAGE);
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('There is nothing at this address.');
  });

  test.each([
    '/admin',
    '/assets/style.000000000000.css',
    '/assets/../status.ts',
    '/assets/%2e%2e%2fstatus.ts',
    '/%ff',
    '//',
  ])('is told to a program: %s', async (path) => {
    const response = await app().get(path);
    expect(response.status).toBe(404);
    expect((await json(response)).error.code).toBe('STATUS_ROUTE_UNKNOWN');
  });
});

describe('assets', () => {
  test.each([STYLE, SCRIPT, ...Object.values(ICONS)])(
    '$path is kept for ever and not sent twice',
    async (asset) => {
      const { get } = app();
      const first = await get(asset.path);
      expect(first.headers.get('content-type')).toBe(asset.type);
      expect(first.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
      const etag = first.headers.get('etag') ?? '';
      expect((await first.text()).length).toBeGreaterThan(100);
      const second = await get(asset.path, { headers: { 'if-none-match': `"other", W/${etag}` } });
      expect([second.status, await second.text()]).toEqual([304, '']);
      expect((await get(asset.path, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
    },
  );

  test('load nothing from anywhere else', () => {
    expect(STYLE.body).not.toMatch(/@import|url\((?!'data:)/);
    expect(SCRIPT.body).not.toMatch(/https?:|import |eval|innerHTML/);
  });
});

describe('/openapi.json', () => {
  test('describes every route with the schema of its answer', async () => {
    const { get } = app();
    const document = await json(await get('/openapi.json'));
    const { paths } = document;
    expect(Object.keys(paths).sort()).toEqual(
      [
        '/',
        '/api/v1/compliance',
        '/api/v1/events',
        '/api/v1/site',
        '/api/v1/status',
        '/api/v1/verdicts',
        '/assets/{file}',
        '/compliance',
        '/compliance.csv',
        '/compliance.pdf',
        '/healthz',
        '/metrics',
        '/openapi.json',
        '/site',
        '/site/admit',
      ].sort(),
    );
    for (const [path, { get: operation }] of Object.entries(paths)) {
      // The form, which is not for GET.
      if (path === '/site/admit') continue;
      expect(operation.summary, path).toMatch(/\w/);
      expect(JSON.stringify(operation.responses['200']?.content), path).toContain('"schema"');
    }
    expect(document.components.schemas['Status']?.properties['slots']?.type).toBe('array');
  });

  test('refers only to schemas that it holds', async () => {
    const text = await (await app().get('/openapi.json')).text();
    const { components } = JSON.parse(text) as Body;
    const references = [...text.matchAll(/"\$ref":"([^"]*)"/g)].map((match) => match[1]);
    expect(references.length).toBeGreaterThan(3);
    for (const reference of references) {
      expect(Object.keys(components.schemas).map((name) => `#/components/schemas/${name}`)).toContain(
        reference,
      );
    }
  });
});

describe('/metrics', () => {
  test('counts requests by route, not by address, so that a stranger cannot make it grow', async () => {
    const { get } = app();
    for (let index = 0; index < 20; index += 1) await get(`/probe-${index}`);
    await get('/api/v1/status');
    await get('/', { method: 'POST' });
    await get('/', { method: 'DELETE' });
    const text = await (await get('/metrics')).text();
    expect(text).toContain('bulkhead_http_requests_total{method="GET",route="unknown",status="404"} 20');
    expect(text).toContain(
      'bulkhead_http_requests_total{method="GET",route="/api/v1/status",status="200"} 1',
    );
    expect(text).toContain('bulkhead_http_requests_total{method="other",route="/",status="405"} 2');
    expect(text).toContain('bulkhead_http_request_duration_seconds_bucket{le="0.2",route="unknown"} 20');
    expect(text).not.toContain('probe');
  });

  test('says that the appliance is down instead of failing itself', async () => {
    const response = await app(new Error('down')).get('/metrics');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    expect(await response.text()).toContain('\nbulkhead_up 0\n');
  });

  test('is well-formed: every sample has a type, and no series comes twice', async () => {
    const text = await (await app(rescueStatus()).get('/metrics')).text();
    const types = new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map((match) => match[1]));
    const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    for (const line of series) {
      const name = line.match(/^[a-z_]+/)?.[0] ?? '';
      expect(types.has(name) || types.has(name.replace(/_(bucket|sum|count)$/, '')), line).toBe(true);
    }
    const names = series.map((line) => line.slice(0, line.lastIndexOf(' ')));
    expect(new Set(names).size).toBe(names.length);
  });
});
