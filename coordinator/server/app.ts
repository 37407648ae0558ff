import { Type as t } from '@sinclair/typebox';
import { type AnyElysia, Elysia } from 'elysia';
import { describeError } from '../../base/errors.ts';
import type { Coordinator } from '../context.ts';
import { API_BURST, API_REFILL_PER_S } from '../limits.ts';
import { wantsPage } from '../pages/respond.ts';
import { pageRoutes } from '../pages/routes.ts';
import { refusePage } from '../pages/serve-page.tsx';
import { addressSubject } from '../people/lockout.ts';
import { createRateLimit, TooMany } from '../reports/rate-limit.ts';
import { type AgentParts, agentRoutes } from '../routes/agent.ts';
import { alarmRoutes } from '../routes/alarms.ts';
import { artifactRoutes } from '../routes/artifacts.ts';
import { auditRoutes } from '../routes/audit.ts';
import { channelRoutes } from '../routes/channels.ts';
import { deviceRoutes } from '../routes/devices.ts';
import { driftRoutes } from '../routes/drift.ts';
import { evidenceRoutes } from '../routes/evidence.ts';
import { filterRoutes } from '../routes/filters.ts';
import { jobRoutes } from '../routes/jobs.ts';
import { orderRoutes } from '../routes/orders.ts';
import type { AddressOf } from '../routes/parts.ts';
import { peopleRoutes } from '../routes/people.ts';
import { policyRoutes } from '../routes/policies.ts';
import { projectRoutes } from '../routes/projects.ts';
import { releaseRoutes } from '../routes/releases.ts';
import { rolloutRoutes } from '../routes/rollouts.ts';
import { ruleRoutes } from '../routes/rules.ts';
import { siteRoutes } from '../routes/site.ts';
import { systemRoutes } from '../routes/system.ts';
import { webhookRoutes } from '../routes/webhooks.ts';
import { describeApi } from './openapi.ts';
import { asProblem, requestInvalid, routeUnknown } from './problem.ts';
import { refuse } from './respond.ts';

export interface App {
  /** Answers any request; never rejects. @param address where it came from */
  handle(request: Request, address: string): Promise<Response>;
  /** The OpenAPI document. */
  describe(): Record<string, unknown>;
}

/** What holds for every answer: nothing is kept, framed or guessed at. */
const HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
};

/** Labels of metrics must stay few, whatever somebody sends. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** Everything the coordinator answers. Opens no port; see serve.ts. */
export function createApp(coordinator: Coordinator, agent: AgentParts): App {
  const addresses = new WeakMap<Request, string>();
  const labels = new WeakMap<Request, string>();
  const addressOf: AddressOf = (request) => addresses.get(request) ?? 'unknown';
  const rates = createRateLimit({ burst: API_BURST, refill_per_s: API_REFILL_PER_S }, coordinator.now_ms);
  /** What people and programs ask for counts together. */
  const excessOf = (address: string): TooMany | undefined => {
    const wait_s = rates.take(addressSubject(address));
    return wait_s > 0 ? new TooMany('too many requests of this address', wait_s) : undefined;
  };
  const routes = new Elysia({ name: 'coordinator' })
    .onBeforeHandle({ as: 'global' }, ({ request, route }) => {
      labels.set(request, route);
    })
    .onError({ as: 'global' }, ({ error, code, route, request }) => {
      if (route) labels.set(request, route);
      const problem = asProblem(known(error, code));
      if (problem.code === 'COORDINATOR_INTERNAL')
        coordinator.log.error('a request failed', { route, error: describeError(error) });
      return wantsPage(request) ? refusePage(coordinator, request, problem) : refuse(problem);
    })
    .use(systemRoutes(coordinator))
    .use(pageRoutes(coordinator, addressOf, excessOf))
    .use(agentRoutes(coordinator, agent, addressOf))
    .use(deviceRoutes(coordinator))
    .use(filterRoutes(coordinator))
    .use(orderRoutes(coordinator))
    .use(artifactRoutes(coordinator))
    .use(releaseRoutes(coordinator))
    .use(rolloutRoutes(coordinator))
    .use(policyRoutes(coordinator))
    .use(ruleRoutes(coordinator))
    .use(driftRoutes(coordinator))
    .use(alarmRoutes(coordinator))
    .use(channelRoutes(coordinator))
    .use(projectRoutes(coordinator))
    .use(jobRoutes(coordinator))
    .use(webhookRoutes(coordinator, addressOf))
    .use(peopleRoutes(coordinator, addressOf))
    .use(evidenceRoutes(coordinator))
    .use(siteRoutes(coordinator))
    .use(auditRoutes(coordinator));
  const describe = once(() => describeApi(routes));
  const app = routes.get('/openapi.json', () => describe(), {
    response: t.Object({ openapi: t.String() }, { additionalProperties: true }),
    detail: { tags: ['system'], summary: 'This description', security: [] },
  });
  /** Pages do the same by themselves. Devices have a rate per key, and many of them share an address. */
  const tooMany = (request: Request, address: string): Response | undefined => {
    if (!new URL(request.url).pathname.startsWith('/api/')) return undefined;
    const excess = excessOf(address);
    return excess && refuse(excess);
  };
  return {
    describe,
    async handle(request, address) {
      const started_ms = performance.now();
      addresses.set(request, address);
      const response = tooMany(request, address) ?? (await answer(app, request, coordinator));
      for (const [name, value] of Object.entries(HEADERS))
        if (!response.headers.has(name)) response.headers.set(name, value);
      const seconds = (performance.now() - started_ms) / 1000;
      coordinator.metrics.observeRequest(
        labels.get(request) ?? 'unknown',
        METHODS.includes(request.method) ? request.method : 'other',
        response.status,
        seconds,
      );
      return response;
    },
  };
}

async function answer(app: AnyElysia, request: Request, coordinator: Coordinator): Promise<Response> {
  try {
    return await app.handle(request);
  } catch (error) {
    coordinator.log.error('a request failed', { error: describeError(error) });
    return refuse(asProblem(error));
  }
}

/** What Elysia found wrong by itself, in our words. */
function known(error: unknown, code: unknown): unknown {
  if (code === 'NOT_FOUND') return routeUnknown();
  if (code === 'PARSE') return requestInvalid('the body is no JSON', error);
  if (code === 'VALIDATION') return requestInvalid(`the request does not fit: ${firstFault(error)}`, error);
  return error;
}

/** Where and why; never the value, which may be a password. */
function firstFault(error: unknown): string {
  const all = (error as { all?: readonly { path?: string; message?: string }[] }).all;
  const [first] = all ?? [];
  return `${first?.path || '/'}: ${first?.message ?? 'invalid'}`;
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
