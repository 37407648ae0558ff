import { Elysia } from 'elysia';
import type { BulkheadError } from '../../base/errors.ts';
import type { Coordinator } from '../context.ts';
import { authorise } from '../people/authorise.ts';
import type { AddressOf } from '../routes/parts.ts';
import { alarmsPage } from './alarms.tsx';
import { ASSETS } from './assets.ts';
import { auditPage } from './audit.tsx';
import { buildPage } from './build.tsx';
import { buildsPage } from './builds.tsx';
import { channelsPage } from './channels.tsx';
import { devicePage } from './device.tsx';
import { Fields } from './fields.ts';
import { fleetPage } from './fleet.tsx';
import { newOrderPage } from './new-order.tsx';
import { orderPage } from './order.tsx';
import { ordersPage } from './orders.tsx';
import type { Page } from './page.ts';
import { peoplePage } from './people.tsx';
import { projectsPage } from './projects.tsx';
import { refusePage, servePage } from './serve-page.tsx';
import { settingsPage } from './settings.tsx';
import { doSignIn, doSignOut, showSignIn } from './sign-in.tsx';
import { waitingPage } from './waiting.tsx';

const PAGES: readonly Page[] = [
  fleetPage,
  alarmsPage,
  channelsPage,
  waitingPage,
  devicePage,
  newOrderPage,
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
          headers: { 'content-type': type, 'cache-control': 'public, max-age=31536000, immutable' },
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
        guarded(request, () => doSignIn(coordinator, request, fieldsOf(body), addressOf(request))),
      AS_TEXT,
    )
    .post(
      '/sign-out',
      ({ request, body }) => guarded(request, () => doSignOut(coordinator, request, fieldsOf(body))),
      AS_TEXT,
    );
  for (const page of PAGES) {
    const serve = (request: Request, params: Record<string, string>, fields: Fields | null) =>
      guarded(request, async () => {
        const principal = await authorise(coordinator, request, page.scope);
        return await servePage(
          page,
          { coordinator, request, principal, params, query: queryOf(request) },
          fields,
        );
      });
    routes.get(page.path, ({ request, params }) => serve(request, params, null), HIDDEN);
    if (page.acts)
      routes.post(page.path, ({ request, params, body }) => serve(request, params, fieldsOf(body)), AS_TEXT);
  }
  return routes;
}

const queryOf = (request: Request) => new Fields(new URL(request.url).searchParams);
const fieldsOf = (body: unknown) => new Fields(new URLSearchParams(typeof body === 'string' ? body : ''));
