import { BulkheadError } from '../base/errors.ts';
import { COMPLIANCE_QUERIES } from './compliance/routes.ts';
import { type ComplianceSource, createComplianceReader } from './compliance/source.ts';
import { createEventHub } from './event-stream.ts';
import { createHttpMetrics } from './http-metrics.ts';
import { applyPolicy, FORM_HEADERS, wantsPage } from './http-policy.ts';
import { renderProblemPage } from './page/problem-page.tsx';
import { httpStatusOf, internalError, methodNotAllowed, problemBody } from './problem.ts';
import { createRoutes, routeLabel } from './routes.ts';
import { ADMIT_PATH, readForm } from './site/form.ts';
import { SITE_PAGES } from './site/routes.ts';
import { createSiteReader, type SiteSource } from './site/source.ts';
import { createStatusReader, type StatusSource } from './status-source.ts';

export interface StatusAppOptions {
  source: StatusSource;
  /** Where the page of compliance comes from; absent: there is none, and the page says so. */
  compliance?: ComplianceSource | null;
  /** Where the page of the site comes from; absent: there is none, and the page says so. */
  site?: SiteSource | null;
  /** Told every fault with its causes, for the log; the page shows only a code and a sentence. */
  onProblem?: (problem: BulkheadError) => void;
  /** Milliseconds that never go back. */
  now_ms?: () => number;
  /** Instead of SOURCE_TIMEOUT_MS. */
  sourceTimeout_ms?: number;
  /** Instead of the EVENT_* limits. */
  events?: { clients_max?: number; heartbeat_ms?: number; interval_min_ms?: number };
}

export interface StatusApp {
  /** Answers any request; never rejects. */
  handle(request: Request): Promise<Response>;
  /** Ends the live streams and the subscription to the source. */
  close(): void;
}

/** The page, the JSON, the live stream and the metrics over one source. Opens no port; see serveStatusPage. */
export function createStatusApp(options: StatusAppOptions): StatusApp {
  const now_ms = options.now_ms ?? (() => performance.now());
  const onFault = options.onProblem ?? (() => {});
  const reader = createStatusReader({
    source: options.source,
    now_ms,
    ...(options.sourceTimeout_ms === undefined ? {} : { timeout_ms: options.sourceTimeout_ms }),
    onProblem: onFault,
    onChange: (status) => hub.publish(status),
  });
  const hub = createEventHub({ read: reader.read, ...options.events });
  const metrics = createHttpMetrics(hub.counts);
  const routes = createRoutes({
    read: reader.read,
    openStream: hub.open,
    httpRegistry: metrics.registry,
    compliance: createComplianceReader(options.compliance ?? null, now_ms, onFault),
    site: createSiteReader(options.site ?? null, now_ms, onFault),
    onFault,
  });

  const answer = async (request: Request): Promise<Response> => {
    const isForm = request.method === 'POST' && pathOf(request) === ADMIT_PATH;
    if (request.method !== 'GET' && request.method !== 'HEAD' && !isForm) return refuseMethod(request);
    try {
      return await routes.handle(isForm ? await asPlainForm(request) : asPlainGet(request));
    } catch (error) {
      if (error instanceof BulkheadError && error.code.startsWith('STATUS_FORM_'))
        return refuse(request, error);
      const problem = internalError(error);
      onFault(problem);
      return refuse(request, problem);
    }
  };

  return {
    async handle(request) {
      const started_ms = now_ms();
      const response = await answer(request);
      applyPolicy(response.headers, SITE_PAGES.includes(pathOf(request)) ? FORM_HEADERS : undefined);
      metrics.observe(
        routeLabel(pathOf(request)),
        request.method,
        response.status,
        (now_ms() - started_ms) / 1000,
      );
      return request.method === 'HEAD' ? withoutBody(response) : response;
    },
    close() {
      reader.close();
      hub.close();
    },
  };
}

/** Any base will do for an address that came without a host (HTTP/1.0). */
const BASE = 'http://appliance.local';

function pathOf(request: Request): string {
  return URL.parse(request.url, BASE)?.pathname ?? '/';
}

/**
 * The same question with a fixed host, no body, and no query but where one means something: whatever name or address a person
 * typed for the appliance works, and no route can come to depend on it (Elysia finds the path by counting characters of the host).
 */
function asPlainGet(request: Request): Request {
  const path = pathOf(request);
  const query = COMPLIANCE_QUERIES.includes(path) ? (URL.parse(request.url, BASE)?.search ?? '') : '';
  return new Request(BASE + path + query, { headers: request.headers, signal: request.signal });
}

/** The same for the one form, once it is certain that it comes from here. @throws BulkheadError STATUS_FORM_* */
async function asPlainForm(request: Request): Promise<Request> {
  const body = await readForm(request);
  const accept = request.headers.get('accept') ?? '';
  return new Request(BASE + ADMIT_PATH, { method: 'POST', headers: { accept }, body });
}

function refuseMethod(request: Request): Response {
  const response = refuse(request, methodNotAllowed());
  response.headers.set('allow', pathOf(request) === ADMIT_PATH ? 'GET, HEAD, POST' : 'GET, HEAD');
  return response;
}

function refuse(request: Request, problem: BulkheadError): Response {
  const status = httpStatusOf(problem);
  if (!wantsPage(request)) return Response.json(problemBody(problem), { status });
  return new Response(renderProblemPage(problem), {
    status,
    headers: { 'content-type': 'text/html; charset=utf-8' },
  });
}

/** HEAD tells what GET would; a live stream that was opened for it is ended at once. */
async function withoutBody(response: Response): Promise<Response> {
  await response.body?.cancel();
  return new Response(null, { status: response.status, headers: response.headers });
}
