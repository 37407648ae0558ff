import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import { Registry } from 'prom-client';
import type { BulkheadError } from '../base/errors.ts';
import { KEEP_FOR_EVER } from '../base/page-style/asset.ts';
import { Verdict } from '../health-gate/verdict-schema.ts';
import { findAsset } from './assets.ts';
import { COMPLIANCE_ROUTES, complianceRoutes } from './compliance/routes.ts';
import type { ComplianceReader } from './compliance/source.ts';
import { matchesEtag, wantsPage } from './http-policy.ts';
import { describeApi, raw } from './openapi.ts';
import { renderProblemPage } from './page/problem-page.tsx';
import { renderStatusPage } from './page/status-page.tsx';
import { asProblem, httpStatusOf, internalError, Problem, problemBody, routeUnknown } from './problem.ts';
import { siteMetrics } from './site/metrics.ts';
import { SITE_ROUTES, siteRoutes } from './site/routes.ts';
import type { SiteReader } from './site/source.ts';
import { Status } from './status.ts';
import { statusMetrics } from './status-metrics.ts';

export interface RouteParts {
  read: () => Promise<Status>;
  openStream: () => ReadableStream<Uint8Array>;
  httpRegistry: Registry;
  compliance: ComplianceReader;
  site: SiteReader;
  /** Told of faults in the routes themselves. */
  onFault: (problem: BulkheadError) => void;
}

const ROUTES = [
  '/',
  '/api/v1/status',
  '/api/v1/verdicts',
  '/api/v1/events',
  ...COMPLIANCE_ROUTES,
  ...SITE_ROUTES,
  '/openapi.json',
  '/metrics',
  '/healthz',
];

/** The route an address belongs to, for metrics: a stranger who asks for random addresses must not make new labels. */
export function routeLabel(path: string): string {
  if (ROUTES.includes(path)) return path;
  return path.startsWith('/assets/') ? '/assets/*' : 'unknown';
}

const HTML = { 'content-type': 'text/html; charset=utf-8' };

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

/** Every route of the page with its schema; answers GET, and the one form. */
export function createRoutes(parts: RouteParts) {
  const page = rememberLast(renderStatusPage);
  // What `read` gives has passed the schema that is declared here; a ready Response is not checked a second time.
  const statusText = rememberLast((status: Status) => JSON.stringify(status));
  const json = (status: Status) => new Response(statusText(status), { headers: JSON_TYPE });
  const routes = new Elysia({ name: 'status-page' })
    .model({ Status, Verdicts: t.Array(Verdict), Problem })
    .onError(({ error, code, request, path }) => {
      const problem = code === 'NOT_FOUND' ? routeUnknown() : knownProblem(error);
      if (problem.code === 'STATUS_INTERNAL') parts.onFault(problem);
      const status = httpStatusOf(problem);
      if (path === '/' || wantsPage(request))
        return new Response(renderProblemPage(problem), { status, headers: HTML });
      return Response.json(problemBody(problem), { status });
    })
    .get(
      '/',
      async () =>
        new Response(page(...(await Promise.all([parts.read(), parts.site.glance()]))), { headers: HTML }),
      {
        detail: {
          tags: ['people'],
          summary: 'The status page',
          responses: {
            200: raw('text/html', 'the page'),
            503: raw('text/html', 'the page says what failed'),
          },
        },
      },
    )
    .get('/api/v1/status', async () => json(await parts.read()), {
      response: { 200: 'Status', 503: 'Problem' },
      detail: { tags: ['programs'], summary: 'Everything the page shows' },
    })
    .get('/api/v1/verdicts', async () => Response.json((await parts.read()).health.verdicts), {
      response: { 200: 'Verdicts', 503: 'Problem' },
      detail: { tags: ['programs'], summary: 'Verdicts of the health gate, latest first' },
    })
    .get('/api/v1/events', () => stream(parts.openStream()), {
      detail: {
        tags: ['programs'],
        summary: 'Live stream',
        description:
          'Server-sent events. `status`: the whole Status, on connecting and after each change. `problem`: a Problem, when ' +
          'the status cannot be read. A comment at least every 10 s shows that the appliance is alive.',
        responses: {
          200: raw('text/event-stream', 'an endless stream'),
          503: {
            description: 'all streams are in use',
            content: { 'application/json': { schema: PROBLEM_REF } },
          },
        },
      },
    })
    .get('/metrics', async () => metricsAnswer(parts), {
      detail: {
        tags: ['programs'],
        summary: 'Prometheus metrics',
        responses: {
          200: raw('text/plain; version=0.0.4', 'text format; bulkhead_up is 0 when nothing else is known'),
        },
      },
    })
    .get(
      '/healthz',
      () => new Response('ok\n', { headers: { 'content-type': 'text/plain; charset=utf-8' } }),
      {
        detail: {
          tags: ['programs'],
          summary: 'The server answers',
          description: 'Says nothing about the appliance; asks nobody.',
          responses: { 200: raw('text/plain', 'ok') },
        },
      },
    )
    .get('/assets/:file', ({ params, request }) => assetAnswer(`/assets/${params.file}`, request), {
      params: t.Object({ file: t.String() }),
      detail: {
        tags: ['people'],
        summary: 'Style, script and icons of the page',
        responses: {
          200: raw('*/*', 'named by content, to be kept for ever'),
          304: { description: 'unchanged' },
        },
      },
    });
  routes.use(complianceRoutes(parts.compliance)).use(siteRoutes(parts.site));
  const api = once(() => describeApi(routes));
  return routes.get('/openapi.json', () => api(), {
    response: t.Object({ openapi: t.String() }, { additionalProperties: true }),
    detail: { tags: ['programs'], summary: 'This description' },
  });
}

const PROBLEM_REF = { $ref: '#/components/schemas/Problem' };

function knownProblem(error: unknown): BulkheadError {
  const problem = asProblem(error);
  return problem === error ? problem : internalError(error);
}

function stream(events: ReadableStream<Uint8Array>): Response {
  return new Response(events, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } });
}

async function metricsAnswer(parts: RouteParts): Promise<Response> {
  // A scrape is not a place for errors: `bulkhead_up 0` is the alarm. Whoever reads the status has logged why.
  const status = await parts.read().catch(() => null);
  const site = await parts.site.glance();
  const all = Registry.merge([statusMetrics(status), siteMetrics(site), parts.httpRegistry]);
  return new Response(await all.metrics(), { headers: { 'content-type': all.contentType } });
}

function assetAnswer(path: string, request: Request): Response {
  const asset = findAsset(path);
  if (asset === undefined) throw routeUnknown();
  const headers = { 'content-type': asset.type, 'cache-control': KEEP_FOR_EVER, etag: asset.etag };
  if (matchesEtag(request.headers.get('if-none-match'), asset.etag)) {
    return new Response(null, { status: 304, headers });
  }
  return new Response(asset.body, { headers });
}

/** Rendering costs more than everything else here, and a status is asked for many times while it is fresh. */
function rememberLast<In extends readonly unknown[], Out>(
  make: (...input: In) => Out,
): (...input: In) => Out {
  let last: { input: In; output: Out } | null = null;
  return (...input) => {
    if (!last?.input.every((each, index) => each === input[index])) last = { input, output: make(...input) };
    return last.output;
  };
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
