import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import { OneOf } from '../../base/schema.ts';
import type { Coordinator } from '../context.ts';
import { listFilters, removeFilter, saveFilter } from '../filters/filters.ts';
import { authorise } from '../people/authorise.ts';
import { QUERY_MAX_CHARS } from '../rollouts/limits.ts';
import { answers, DEVICE_STATES, DeviceName, Id, Nullable } from './parts.ts';

const FilterFields = t.Object({
  ...{ id: Id, name: t.String(), shared: t.Boolean(), own: t.Boolean(), state: OneOf(DEVICE_STATES) },
  ...{ search: Nullable(t.String()), cohort: Nullable(t.String()) },
});
export const NewFilter = t.Object(
  {
    ...{ name: DeviceName, shared: t.Optional(t.Boolean()), state: OneOf(DEVICE_STATES) },
    search: Nullable(t.String({ minLength: 1, maxLength: 100 })),
    cohort: Nullable(t.String({ minLength: 1, maxLength: QUERY_MAX_CHARS })),
  },
  { additionalProperties: false },
);

/** Looks at the fleet that people have saved. */
export function filterRoutes(coordinator: Coordinator) {
  const detail = (summary: string) => ({ tags: ['devices'], summary });
  return new Elysia({ name: 'filters', prefix: '/api/v1' })
    .get(
      '/filters',
      async ({ request }) => ({
        filters: await listFilters(coordinator, await authorise(coordinator, request, 'read')),
      }),
      {
        response: answers({ 200: t.Object({ filters: t.Array(FilterFields) }) }, 401, 403),
        detail: detail('Your filters of the fleet, and those that are shared'),
      },
    )
    .post(
      '/filters',
      async ({ request, body }) =>
        await saveFilter(coordinator, await authorise(coordinator, request, 'read'), {
          ...body,
          shared: body.shared ?? false,
        }),
      {
        body: NewFilter,
        response: answers({ 200: FilterFields }, 400, 401, 403, 409),
        detail: detail('Save a filter; one of yours with the same name is replaced'),
      },
    )
    .delete(
      '/filters/:id',
      async ({ request, params }) => {
        await removeFilter(coordinator, await authorise(coordinator, request, 'read'), params.id);
        return new Response(null, { status: 204 });
      },
      {
        params: t.Object({ id: Id }),
        response: answers({ 204: t.Void() }, 401, 403, 404),
        detail: detail('Take a filter away'),
      },
    );
}
