import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import { OneOf } from '../../base/schema.ts';
import type { Coordinator } from '../context.ts';
import { authorise } from '../people/authorise.ts';
import { readDeviceDrift, readFleetDrift } from '../rollouts/run/read-drift.ts';
import { answers, Id, Nullable, PageSize } from './parts.ts';

const STATES = ['up_to_date', 'behind', 'ahead', 'unknown', 'no_deployment'] as const;
const DriftFields = t.Object({
  ...{ device_id: Id, running: Nullable(t.String()), state: OneOf(STATES) },
  desired: Nullable(t.String({ description: 'goal of the last rollout that reached it' })),
  releases: Nullable(t.Integer({ description: 'how many releases it is behind or ahead' })),
  member: Nullable(t.String({ description: 'what it is in that rollout' })),
});
const count = t.Integer();

/** What runs against what should. */
export function driftRoutes(coordinator: Coordinator) {
  const detail = (summary: string) => ({ tags: ['rollouts'], summary });
  return new Elysia({ name: 'drift', prefix: '/api/v1' })
    .get(
      '/drift',
      async ({ request, query }) => {
        await authorise(coordinator, request, 'read');
        return await readFleetDrift(coordinator, { ...query, limit: query.limit ?? 100 });
      },
      {
        query: t.Object({ state: t.Optional(OneOf(STATES)), after: t.Optional(Id), limit: PageSize }),
        response: answers(
          {
            200: t.Object({
              counts: t.Object({
                ...{ up_to_date: count, behind: count, ahead: count, unknown: count, no_deployment: count },
              }),
              devices: t.Array(DriftFields),
            }),
          },
          ...([400, 401, 403] as const),
        ),
        detail: detail('How far the fleet is from what it should run'),
      },
    )
    .get(
      '/devices/:id/drift',
      async ({ request, params }) => {
        await authorise(coordinator, request, 'read');
        return await readDeviceDrift(coordinator, params.id);
      },
      {
        params: t.Object({ id: Id }),
        response: answers({ 200: DriftFields }, 401, 403, 404),
        detail: detail('How far one appliance is from what it should run'),
      },
    );
}
