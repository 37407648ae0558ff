import { type Static, Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import { OneOf } from '../../base/schema.ts';
import { SEVERITIES } from '../alarms/kinds.ts';
import type { Coordinator } from '../context.ts';
import type { DeliveryRow } from '../database/alarm-tables.ts';
import { addChannel, listChannels, removeChannel, testChannel } from '../delivery/channels.ts';
import { listDeliveries, retryDelivery } from '../delivery/queue.ts';
import { authorise } from '../people/authorise.ts';
import { answers, DeviceName, Id, Nullable, PageSize, TimeMs } from './parts.ts';

const strict = { additionalProperties: false };
export const ChannelUrl = t.String({ maxLength: 2000 });
export const MatrixRoom = t.String({ pattern: '^![^\\s]{1,254}$', description: 'such as !abc:example.org' });
export const MatrixToken = t.String({ minLength: 1, maxLength: 1000, pattern: '^[\\x21-\\x7e]+$' });
const Least = OneOf(SEVERITIES);
const ChannelFields = t.Object({
  ...{ id: Id, name: t.String(), kind: OneOf(['webhook', 'matrix']), url: t.String() },
  ...{ room: Nullable(t.String()), created_ms: TimeMs, created_by: t.String() },
  least: OneOf(SEVERITIES),
});
const NewChannel = t.Union([
  t.Object(
    { kind: t.Literal('webhook'), name: DeviceName, url: ChannelUrl, least: t.Optional(Least) },
    strict,
  ),
  t.Object(
    {
      ...{ kind: t.Literal('matrix'), name: DeviceName, url: ChannelUrl, least: t.Optional(Least) },
      ...{ room: MatrixRoom, access_token: MatrixToken },
    },
    strict,
  ),
]);
const State = OneOf(['waiting', 'delivered', 'dead']);
const DeliveryFields = t.Object({
  ...{ id: Id, channel_id: Id, state: State, attempts: t.Integer(), created_ms: TimeMs },
  due_ms: t.Integer({ description: 'when it is tried next, while it waits' }),
  ...{ ended_ms: Nullable(TimeMs), error: Nullable(t.String()) },
  notice: t.Record(t.String(), t.Unknown(), { description: 'what it says' }),
});

/** Where alarms go, and whether they get there. */
export function channelRoutes(coordinator: Coordinator) {
  const detail = (summary: string) => ({ tags: ['alarms'], summary });
  const params = t.Object({ id: Id });
  const admin = async (request: Request) => (await authorise(coordinator, request, 'admin')).actor;
  return new Elysia({ name: 'channels', prefix: '/api/v1' })
    .get(
      '/channels',
      async ({ request }) => {
        await authorise(coordinator, request, 'read');
        return { channels: await listChannels(coordinator) };
      },
      {
        response: answers({ 200: t.Object({ channels: t.Array(ChannelFields) }) }, 401, 403),
        detail: detail('Where alarms are sent'),
      },
    )
    .post(
      '/channels',
      async ({ request, body }) => {
        const actor = await admin(request);
        return await addChannel(coordinator, actor, { ...body, least: body.least ?? 'warning' });
      },
      {
        body: NewChannel,
        response: answers(
          {
            200: t.Object({
              channel: ChannelFields,
              secret: Nullable(
                t.String({ description: 'what its messages are signed with; told this once' }),
              ),
            }),
          },
          ...([400, 401, 403, 409] as const),
        ),
        detail: detail('Send alarms to a webhook or a Matrix room'),
      },
    )
    .delete(
      '/channels/:id',
      async ({ request, params }) => {
        await removeChannel(coordinator, await admin(request), params.id);
        return new Response(null, { status: 204 });
      },
      {
        ...{ params, response: answers({ 204: t.Void() }, 401, 403, 404) },
        detail: detail('Send no more there; what waits for it is gone'),
      },
    )
    .post(
      '/channels/:id/test',
      async ({ request, params }) =>
        viewDelivery(await testChannel(coordinator, await admin(request), params.id)),
      {
        ...{ params, response: answers({ 200: DeliveryFields }, 401, 403, 404) },
        detail: detail('Send a message that says that this is a test'),
      },
    )
    .get(
      '/deliveries',
      async ({ request, query }) => {
        await authorise(coordinator, request, 'read');
        const rows = await listDeliveries(coordinator, { ...query, limit: query.limit ?? 100 });
        return { deliveries: rows.map(viewDelivery) };
      },
      {
        query: t.Object({
          ...{ state: t.Optional(State), channel_id: t.Optional(Id) },
          ...{ before: t.Optional(Id), limit: PageSize },
        }),
        response: answers({ 200: t.Object({ deliveries: t.Array(DeliveryFields) }) }, 400, 401, 403),
        detail: detail('Messages and what became of them, newest first'),
      },
    )
    .post(
      '/deliveries/:id/retry',
      async ({ request, params }) => {
        await retryDelivery(coordinator, await admin(request), params.id);
        return new Response(null, { status: 204 });
      },
      {
        ...{ params, response: answers({ 204: t.Void() }, 401, 403, 404) },
        detail: detail('Try a dead letter once more'),
      },
    );
}

function viewDelivery({ notice, ...row }: DeliveryRow): Static<typeof DeliveryFields> {
  return { ...row, notice: JSON.parse(notice) as Record<string, unknown> };
}
