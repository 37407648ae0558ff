import { Type as t } from '@sinclair/typebox';
import { Elysia, t as elysia } from 'elysia';
import { OneOf } from '../../base/schema.ts';
import { ORDER_TYPE_NAMES, ORDER_TYPES } from '../../protocol/orders/order-types.ts';
import type { Coordinator } from '../context.ts';
import type { OrderRow } from '../database/tables.ts';
import { DEAD_STATES, OPEN_STATES } from '../orders/machine.ts';
import { cancelOrder, createOrder, listOrders, readOrder, scopeOfOrder } from '../orders/operate.ts';
import { authorise } from '../people/authorise.ts';
import { answers, Id, Nullable, PageSize, TimeMs } from './parts.ts';

const State = OneOf([...OPEN_STATES, ...DEAD_STATES, 'succeeded', 'cancelled']);
const OrderFields = {
  ...{ id: Id, device_id: Id, type: t.String(), parameters: t.Record(t.String(), t.Unknown()), state: State },
  ...{
    attempt: t.Integer(),
    attempts_max: t.Integer(),
    timeout_s: t.Integer(),
    not_before_ms: TimeMs,
    expires_ms: TimeMs,
  },
  ...{
    reason: Nullable(t.String()),
    created_ms: TimeMs,
    created_by: t.String(),
    accepted_ms: Nullable(TimeMs),
  },
  ...{ ended_ms: Nullable(TimeMs), result_code: Nullable(t.String()), result_message: Nullable(t.String()) },
  result_facts: Nullable(t.Unknown()),
};
const Event = t.Object({
  ...{
    at_ms: TimeMs,
    state: State,
    attempt: t.Integer(),
    code: Nullable(t.String()),
    message: Nullable(t.String()),
  },
});

/** Work for appliances. */
export function orderRoutes(coordinator: Coordinator) {
  const detail = (summary: string) => ({ tags: ['orders'], summary });
  return new Elysia({ name: 'orders', prefix: '/api/v1' })
    .get(
      '/order-types',
      async ({ request }) => {
        await authorise(coordinator, request, 'read');
        const types = ORDER_TYPE_NAMES.map((type) => ({
          type,
          ...ORDER_TYPES[type],
          admin: scopeOfOrder(type) === 'admin',
        }));
        return Response.json({ types });
      },
      {
        response: answers(
          {
            200: t.Object({
              types: t.Array(
                t.Object({
                  ...{
                    type: t.String(),
                    parameters: t.Unknown(),
                    timeout_s: t.Integer(),
                    attempts_max: t.Integer(),
                  },
                  ...{ complete_when: t.String(), admin: t.Boolean() },
                }),
              ),
            }),
          },
          ...([401] as const),
        ),
        detail: detail('Every type of order with the JSON schema of its parameters'),
      },
    )
    .get(
      '/orders',
      async ({ request, query }) => {
        await authorise(coordinator, request, 'read');
        const orders = await listOrders(coordinator, { ...query, limit: query.limit ?? 100 });
        return { orders: orders.map(viewOf) };
      },
      {
        query: t.Object({
          ...{ device_id: t.Optional(Id), state: t.Optional(State), before: t.Optional(Id), limit: PageSize },
          dead: elysia.Optional(elysia.BooleanString()),
        }),
        response: answers({ 200: t.Object({ orders: t.Array(t.Object(OrderFields)) }) }, 400, 401, 403),
        detail: detail('Orders, newest first; dead=true: those that ended without success'),
      },
    )
    .post(
      '/orders',
      async ({ request, body }) => {
        const { actor } = await authorise(coordinator, request, scopeOfOrder(body.type));
        return viewOf(await coordinator.doWork((work) => createOrder(coordinator, work, actor, body)));
      },
      {
        body: t.Object(
          {
            ...{
              device_id: Id,
              type: OneOf(ORDER_TYPE_NAMES),
              parameters: t.Record(t.String(), t.Unknown()),
            },
            reason: t.Optional(t.String({ minLength: 1, maxLength: 500 })),
            ...{ not_before_ms: t.Optional(TimeMs), expires_ms: t.Optional(TimeMs) },
            timeout_s: t.Optional(t.Integer({ minimum: 1, maximum: 7 * 86_400 })),
            attempts_max: t.Optional(t.Integer({ minimum: 1, maximum: 10 })),
          },
          { additionalProperties: false },
        ),
        response: answers({ 200: t.Object(OrderFields) }, 400, 401, 403, 404, 409),
        detail: detail('Order something; it is signed when the appliance fetches it'),
      },
    )
    .get(
      '/orders/:id',
      async ({ request, params }) => {
        await authorise(coordinator, request, 'read');
        const { order, events, log } = await readOrder(coordinator, params.id);
        return { ...viewOf(order), events, log };
      },
      {
        params: t.Object({ id: Id }),
        response: answers(
          {
            200: t.Object({
              ...OrderFields,
              events: t.Array(Event),
              log: t.Array(t.Object({ attempt: t.Integer(), text: t.String() })),
            }),
          },
          ...([401, 403, 404] as const),
        ),
        detail: detail('One order with its history and its log'),
      },
    )
    .post(
      '/orders/:id/cancel',
      async ({ request, params }) => {
        const { actor } = await authorise(coordinator, request, 'order');
        await cancelOrder(coordinator, actor, params.id);
        return new Response(null, { status: 204 });
      },
      {
        params: t.Object({ id: Id }),
        response: answers({ 204: t.Void() }, 401, 403, 404, 409),
        detail: detail('Take an order back that no appliance has accepted yet'),
      },
    );
}

function viewOf({ parameters, result_facts, hand_outs: _, due_ms: __, window: ___, ...order }: OrderRow) {
  return {
    ...order,
    parameters: JSON.parse(parameters) as Record<string, unknown>,
    result_facts: result_facts === null ? null : (JSON.parse(result_facts) as unknown),
  };
}
