import { Elysia } from 'elysia';
import type { BulkheadError } from '../../base/errors.ts';
import { KEEP_FOR_EVER } from '../../base/page-style/asset.ts';
import { OneOf } from '../../base/schema.ts';
import type { Coordinator } from '../context.ts';
import { CONCERNS } from '../live/pulse.ts';
import { authorise } from '../people/authorise.ts';
import type { AddressOf } from '../routes/parts.ts';
import { alarmsPage } from './alarms.tsx';
import { ASSETS } from './assets.ts';
import { auditPage } from './audit.tsx';
import { buildPage } from './build.tsx';
import { buildsPage } from './builds.tsx';
import { channelsPage } from './channels.tsx';
import { devicePage } from './device.tsx';
import { Fields, fitting } from './fields.ts';
import { findingsPage } from './findings.tsx';
import { fleetPage } from './fleet.tsx';
import { type Form, formOf, readForm } from './form.ts';
import { newOrderPage } from './new-order.tsx';
import { newRolloutPage } from './new-rollout.tsx';
import { orderPage } from './order.tsx';
import { ordersPage } from './orders.tsx';
import type { Page } from './page.ts';
import { peoplePage } from './people.tsx';
import { policiesPage } from './policies.tsx';
import { projectsPage } from './projects.tsx';
import { publishPage } from './publish.tsx';
import { releasePage } from './release.tsx';
import { releaseKeysPage } from './release-keys.tsx';
import { releasesPage } from './releases.tsx';
import { rolloutPage } from './rollout.tsx';
import { rolloutActPage } from './rollout-act.tsx';
import { rolloutPlansPage, rolloutPreviewPage } from './rollout-plans.tsx';
import { rolloutsPage } from './rollouts.tsx';
import { refusePage, servePage } from './serve-page.tsx';
import { settingsPage } from './settings.tsx';
import { doSignIn, doSignOut, showSignIn } from './sign-in.tsx';
import { waitingPage } from './waiting.tsx';

const PAGES: readonly Page[] = [
  fleetPage,
  alarmsPage,
  findingsPage,
  channelsPage,
  waitingPage,
  devicePage,
  newOrderPage,
  releasesPage,
  publishPage,
  releaseKeysPage,
  releasePage,
  rolloutsPage,
  policiesPage,
  newRolloutPage,
  rolloutPage,
  rolloutPlansPage,
  rolloutPreviewPage,
  rolloutActPage,
  ordersPage,
  orderPage,
  buildsPage,
  buildPage,
  projectsPage,
  auditPage,
  peoplePage,
  settingsPage,
];

/** Forms are read here, not by Elysia: a field may come several times. */
const AS_TEXT = { parse: 'text', detail: { hide: true } } as const;
const AS_STREAM = { parse: 'none', detail: { hide: true } } as const;
const HIDDEN = { detail: { hide: true } } as const;

/**
 * What people see. Every page does what the API does, with the same functions.
 *
 * @param excessOf counts a request of an address; what it gives refuses it
 */
export function pageRoutes(
  coordinator: Coordinator,
  addressOf: AddressOf,
  excessOf: (address: string) => BulkheadError | undefined,
) {
  const routes = new Elysia({ name: 'pages' });
  for (const { path, type, body } of ASSETS)
    routes.get(
      path,
      () =>
        new Response(body, {
          headers: { 'content-type': type, 'cache-control': KEEP_FOR_EVER },
        }),
      HIDDEN,
    );
  const guarded = async (request: Request, answer: () => Promise<Response>): Promise<Response> => {
    try {
      const excess = excessOf(addressOf(request));
      if (excess) throw excess;
      return await answer();
    } catch (error) {
      return refusePage(coordinator, request, error);
    }
  };
  routes
    .get('/sign-in', ({ request }) => guarded(request, async () => showSignIn(queryOf(request))), HIDDEN)
    .post(
      '/sign-in',
      ({ request, body }) =>
        guarded(request, () => doSignIn(coordinator, request, formOf(body).fields, addressOf(request))),
      AS_TEXT,
    )
    .post(
      '/sign-out',
      ({ request, body }) => guarded(request, () => doSignOut(coordinator, request, formOf(body).fields)),
      AS_TEXT,
    );
  routes.get('/live', ({ request }) => guarded(request, () => openLive(coordinator, request)), HIDDEN);
  for (const page of PAGES) {
    /** @param read what was sent, for whom may send something here */
    const serve = (
      request: Request,
      params: Record<string, string>,
      read: () => Form | null | Promise<Form>,
    ): Promise<Response> =>
      guarded(request, async () => {
        const principal = await authorise(coordinator, request, page.scope);
        const form = await read();
        const visit = { coordinator, request, principal, params, query: queryOf(request) };
        const response = await servePage(page, visit, form);
        // A browser reads an answer when it has sent everything.
        await form?.drain();
        return response;
      });
    routes.get(page.path, ({ request, params }) => serve(request, params, () => null), HIDDEN);
    if (page.takesFiles)
      routes.post(
        page.path,
        ({ request, params }) => serve(request, params, () => readForm(request)),
        AS_STREAM,
      );
    else if (page.acts)
      routes.post(
        page.path,
        ({ request, params, body }) => serve(request, params, () => formOf(body)),
        AS_TEXT,
      );
  }
  return routes;
}

/** @throws BulkheadError UNAUTHENTICATED, FORBIDDEN, REQUEST_INVALID, LIVE_STREAMS_FULL */
async function openLive(coordinator: Coordinator, request: Request): Promise<Response> {
  const { user_id, session } = await authorise(coordinator, request, 'read');
  const concerns = queryOf(request)
    .all('of')
    .map((concern) => fitting(OneOf(CONCERNS), concern, 'the address'));
  const stream = coordinator.live.open(session ?? user_id, new Set(concerns));
  // The second line keeps a proxy from collecting what is to be told at once.
  return new Response(stream, {
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' },
  });
}

const queryOf = (request: Request) => new Fields(new URL(request.url).searchParams);
