import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import { OneOf } from '../../base/schema.ts';
import type { Coordinator } from '../context.ts';
import { authorise } from '../people/authorise.ts';
import { RolloutRequest } from '../rollouts/definition.ts';
import { ACTIONS } from '../rollouts/intent.ts';
import { MEMBER_STATES, PHASES } from '../rollouts/plan.ts';
import {
  listMembers,
  listPlans,
  listRollouts,
  previewRollout,
  readRollout,
  viewRollout,
} from '../rollouts/run/look.ts';
import { actOnRollout, createRollout } from '../rollouts/run/operate.ts';
import { raw } from '../server/openapi.ts';
import { answers, Id, Nullable, PageSize, TimeMs } from './parts.ts';

const strict = { additionalProperties: false };
const RolloutFields = {
  ...{ id: Id, name: t.String(), version: t.String(), channel: t.String() },
  ...{ origin: OneOf(['operator', 'auto_latest']), phase: OneOf(PHASES) },
  wish: OneOf(['draft', 'running', 'paused', 'cancelled', 'roll_back']),
  ...{ brake_releases: t.Integer(), retries: t.Integer(), plan_id: Nullable(Id), plan_number: t.Integer() },
  ...{ created_ms: TimeMs, created_by: t.String() },
};
const Stage = t.Object({
  state: OneOf(['pending', 'running', 'soaking', 'done']),
  ...{ opened_ms: Nullable(TimeMs), deadline_ms: Nullable(TimeMs), soak_until_ms: Nullable(TimeMs) },
  ...{ done_ms: Nullable(TimeMs), orders: t.Integer() },
  ...{ forgiven_plan: Nullable(t.Integer()), waived: t.Boolean() },
});
const Brake = t.Object({ cause: t.String(), reason: t.String(), since_ms: TimeMs });
const Count = t.Object({ stage: Nullable(t.Integer()), state: OneOf(MEMBER_STATES), devices: t.Integer() });
const PlanFields = t.Object({
  ...{ id: Id, parent: Nullable(Id), number: t.Integer(), at_ms: TimeMs, phase: OneOf(PHASES) },
  reasons: t.Array(t.String()),
});
const MemberFields = t.Object({
  ...{ device_id: Id, state: OneOf(MEMBER_STATES), stage: Nullable(t.Integer()) },
  ...{ code: Nullable(t.String()), order_id: Nullable(Id), message: Nullable(t.String()) },
});
/** All but what the release says itself. */
const NewRollout = t.Object(
  {
    ...t.Partial(t.Omit(RolloutRequest, ['channel', 'compatible', 'origin'])).properties,
    name: t.Optional(t.String({ minLength: 1, maxLength: 100 })),
    ...t.Pick(RolloutRequest, ['version', 'cohort']).properties,
    floors: t.Optional(t.Array(RolloutRequest.properties.version)),
  },
  // Others would be taken out unseen here; the definition refuses them.
  { additionalProperties: true },
);

/** Releases, spread over the fleet. */
export function rolloutRoutes(coordinator: Coordinator) {
  const detail = (summary: string) => ({ tags: ['rollouts'], summary });
  const viewer = (request: Request) => authorise(coordinator, request, 'read');
  const operator = async (request: Request) => (await authorise(coordinator, request, 'rollout')).actor;
  const params = t.Object({ id: Id });
  return new Elysia({ name: 'rollouts', prefix: '/api/v1' })
    .get(
      '/rollouts',
      async ({ request, query }) => {
        await viewer(request);
        return { rollouts: await listRollouts(coordinator, query) };
      },
      {
        query: t.Object({ limit: PageSize }),
        response: answers({ 200: t.Object({ rollouts: t.Array(t.Object(RolloutFields)) }) }, 400, 401, 403),
        detail: detail('Rollouts, newest first'),
      },
    )
    .post(
      '/rollouts',
      async ({ request, body }) =>
        viewRollout(await createRollout(coordinator, await operator(request), body)),
      {
        body: NewRollout,
        response: answers({ 200: t.Object(RolloutFields) }, 400, 401, 403, 409),
        detail: detail('Draw up a rollout; it begins when it is approved'),
      },
    )
    .get(
      '/rollouts/:id',
      async ({ request, params: { id } }) => {
        await viewer(request);
        return await readRollout(coordinator, id);
      },
      {
        params,
        response: answers(
          {
            200: t.Object({
              ...{ ...RolloutFields, definition: t.Record(t.String(), t.Unknown()) },
              ...{ counts: t.Array(Count), stages: t.Array(Stage), brake: Nullable(Brake) },
              reasons: t.Array(t.String(), { description: 'what was new with the newest plan' }),
            }),
          },
          ...([401, 403, 404] as const),
        ),
        detail: detail('One rollout: definition, stages, brake, and how many appliances are where'),
      },
    )
    .get(
      '/rollouts/:id/plans',
      async ({ request, params: { id }, query }) => {
        await viewer(request);
        return { plans: await listPlans(coordinator, id, query) };
      },
      {
        ...{ params, query: t.Object({ limit: PageSize }) },
        response: answers({ 200: t.Object({ plans: t.Array(PlanFields) }) }, 401, 403, 404),
        detail: detail('Every plan with its parent and its reasons, newest first'),
      },
    )
    .get(
      '/rollouts/:id/members',
      async ({ request, params: { id }, query }) => {
        await viewer(request);
        return { members: await listMembers(coordinator, id, { ...query, limit: query.limit ?? 100 }) };
      },
      {
        params,
        query: t.Object({ state: t.Optional(OneOf(MEMBER_STATES)), after: t.Optional(Id), limit: PageSize }),
        response: answers({ 200: t.Object({ members: t.Array(MemberFields) }) }, 400, 401, 403, 404),
        detail: detail('How far each appliance has come, and why it failed'),
      },
    )
    .get(
      '/rollouts/:id/preview',
      async ({ request, params: { id } }) => {
        await viewer(request);
        return new Response(`${await previewRollout(coordinator, id)}\n`, {
          headers: { 'content-type': 'text/plain; charset=utf-8' },
        });
      },
      {
        params,
        detail: {
          ...detail('What the next plan would be, and why somebody gets no order; nothing of it happens'),
          responses: { 200: raw('text/plain', 'for people') },
        },
      },
    )
    .post(
      '/rollouts/:id/actions',
      async ({ request, params: { id }, body }) => {
        await actOnRollout(coordinator, await operator(request), id, body.action);
        return new Response(null, { status: 204 });
      },
      {
        ...{ params, body: t.Object({ action: OneOf(ACTIONS) }, strict) },
        response: answers({ 204: t.Void() }, 400, 401, 403, 404, 409),
        detail: detail('Approve, pause, resume, release the brake, retry what failed, cancel, roll back'),
      },
    );
}
