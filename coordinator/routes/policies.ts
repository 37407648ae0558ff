import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import type { Coordinator } from '../context.ts';
import { authorise } from '../people/authorise.ts';
import {
  addPolicy,
  listPolicies,
  PolicyChoice,
  PolicyWindow,
  raisePolicy,
  removePolicy,
} from '../policies/policies.ts';
import { QUERY_MAX_CHARS } from '../rollouts/limits.ts';
import { answers, DeviceName, Id, Nullable, TimeMs } from './parts.ts';

const PolicyFields = t.Object({
  ...{ id: Id, name: t.String(), cohort: t.String(), policy: PolicyChoice, window: Nullable(PolicyWindow) },
  ...{ created_ms: TimeMs, created_by: t.String() },
});
const NewPolicy = t.Object(
  {
    name: DeviceName,
    cohort: t.String({
      minLength: 1,
      maxLength: QUERY_MAX_CHARS,
      description: 'the query language of rollouts',
    }),
    policy: PolicyChoice,
    window: t.Optional(Nullable(PolicyWindow)),
  },
  { additionalProperties: false },
);

/** Who decides what which appliances run. */
export function policyRoutes(coordinator: Coordinator) {
  const detail = (summary: string) => ({ tags: ['rollouts'], summary });
  const params = t.Object({ id: Id });
  const operator = async (request: Request) => (await authorise(coordinator, request, 'rollout')).actor;
  return new Elysia({ name: 'policies', prefix: '/api/v1' })
    .get(
      '/policies',
      async ({ request }) => {
        await authorise(coordinator, request, 'read');
        return { policies: await listPolicies(coordinator) };
      },
      {
        response: answers({ 200: t.Object({ policies: t.Array(PolicyFields) }) }, 401, 403),
        detail: detail(
          'Policies in the order in which they are tried; the first that fits an appliance holds for it',
        ),
      },
    )
    .post(
      '/policies',
      async ({ request, body }) =>
        await addPolicy(coordinator, await operator(request), { ...body, window: body.window ?? null }),
      {
        ...{ body: NewPolicy, response: answers({ 200: PolicyFields }, 400, 401, 403, 404, 409) },
        detail: detail('Add a policy behind all others'),
      },
    )
    .post(
      '/policies/:id/raise',
      async ({ request, params }) => {
        await raisePolicy(coordinator, await operator(request), params.id);
        return new Response(null, { status: 204 });
      },
      {
        ...{ params, response: answers({ 204: t.Void() }, 401, 403, 404) },
        detail: detail('Try a policy before the one above it'),
      },
    )
    .delete(
      '/policies/:id',
      async ({ request, params }) => {
        await removePolicy(coordinator, await operator(request), params.id);
        return new Response(null, { status: 204 });
      },
      {
        ...{ params, response: answers({ 204: t.Void() }, 401, 403, 404) },
        detail: detail('Take a policy away'),
      },
    );
}
