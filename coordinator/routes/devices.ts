import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import { OneOf } from '../../base/schema.ts';
import type { Coordinator } from '../context.ts';
import { listChanges, listDevices, readDevice } from '../devices/list.ts';
import {
  addEnrolmentCode,
  approveDevice,
  describeDevice,
  endDevice,
  listEnrolmentCodes,
  revokeEnrolmentCode,
} from '../devices/operate.ts';
import { PRESENCES } from '../devices/presence.ts';
import { authorise } from '../people/authorise.ts';
import { parseQuery } from '../rollouts/cohort/parse-query.ts';
import { answers, DeviceName, Id, Nullable, PageSize, Reason, Tags, TimeMs } from './parts.ts';

const STATES = ['pending', 'approved', 'refused', 'revoked', 'replaced'] as const;
const strict = { additionalProperties: false };
const Wish = { name: t.Optional(DeviceName), tags: t.Optional(Tags), replaces: t.Optional(Id) };

const DeviceFields = {
  ...{ id: Id, state: OneOf(STATES), key_id: t.String(), name: Nullable(t.String()), hostname: t.String() },
  ...{
    serial: Nullable(t.String()),
    mac: Nullable(t.String()),
    hardware: Nullable(t.String()),
    agent_version: t.String(),
  },
  ...{ image_version: Nullable(t.String()), tags: t.Record(t.String(), t.String()) },
  conflicts: t.Array(Id, { description: 'devices that said they are the same machine when this one came' }),
  ...{
    replaced_by: Nullable(Id),
    created_ms: TimeMs,
    decided_ms: Nullable(TimeMs),
    decided_by: Nullable(t.String()),
  },
  presence: OneOf(PRESENCES),
  heard_ms: Nullable(TimeMs),
  update: Nullable(t.Object({ version: t.String(), state: t.String() })),
};
const Key = t.Object({ key_id: t.String(), state: t.String(), added_ms: TimeMs, ended_ms: Nullable(TimeMs) });
const Change = t.Object({
  ...{ id: Id, reason: t.String(), observed_ms: TimeMs, received_ms: TimeMs },
  changes: t.Array(t.Object({ field: t.String(), before: t.Unknown(), after: t.Unknown() })),
});
const CodeFields = {
  ...{
    id: Id,
    note: t.String(),
    uses_max: t.Integer(),
    used: t.Integer(),
    expires_ms: TimeMs,
    created_ms: TimeMs,
  },
  ...{ created_by: t.String(), revoked_ms: Nullable(TimeMs) },
};

/** Appliances and how they get in. */
export function deviceRoutes(coordinator: Coordinator) {
  const detail = (summary: string) => ({ tags: ['devices'], summary });
  const operator = async (request: Request) => (await authorise(coordinator, request, 'device')).actor;
  return new Elysia({ name: 'devices', prefix: '/api/v1' })
    .get(
      '/devices',
      async ({ request, query }) => {
        await authorise(coordinator, request, 'read');
        const cohort = query.cohort === undefined ? undefined : parseQuery(query.cohort);
        return await listDevices(coordinator, { ...query, cohort, limit: query.limit ?? 100 });
      },
      {
        query: t.Object({
          ...{ state: t.Optional(OneOf(STATES)), search: t.Optional(t.String({ maxLength: 100 })) },
          cohort: t.Optional(t.String({ description: 'the query language of rollouts' })),
          ...{ after: t.Optional(Id), limit: PageSize },
        }),
        response: answers(
          { 200: t.Object({ devices: t.Array(t.Object(DeviceFields)), next: Nullable(Id) }) },
          ...([400, 401, 403] as const),
        ),
        detail: detail('The fleet, in the order in which it came'),
      },
    )
    .post(
      '/devices/approve',
      async ({ request, body: { code, ...wish } }) => ({
        id: await approveDevice(coordinator, await operator(request), { code }, wish),
      }),
      {
        body: t.Object(
          { code: t.String({ maxLength: 40, description: 'as the appliance shows it' }), ...Wish },
          strict,
        ),
        response: answers({ 200: t.Object({ id: Id }) }, 400, 401, 403, 404, 409),
        detail: detail('Let in the appliance that shows a code'),
      },
    )
    .get(
      '/devices/:id',
      async ({ request, params }) => {
        await authorise(coordinator, request, 'read');
        return await readDevice(coordinator, params.id);
      },
      {
        params: t.Object({ id: Id }),
        response: answers(
          {
            200: t.Object({
              ...DeviceFields,
              uptime_s: Nullable(t.Integer()),
              ...{ keys: t.Array(Key), fingerprint: Nullable(t.Unknown()), reported_ms: Nullable(TimeMs) },
            }),
          },
          ...([401, 403, 404] as const),
        ),
        detail: detail('One appliance with its present state'),
      },
    )
    .get(
      '/devices/:id/changes',
      async ({ request, params, query }) => {
        await authorise(coordinator, request, 'read');
        return { changes: await listChanges(coordinator, params.id, query.limit) };
      },
      {
        ...{ params: t.Object({ id: Id }), query: t.Object({ limit: PageSize }) },
        response: answers({ 200: t.Object({ changes: t.Array(Change) }) }, 401, 403),
        detail: detail('What has changed on an appliance and why, newest first'),
      },
    )
    .post(
      '/devices/:id/approve',
      async ({ request, params, body }) => ({
        id: await approveDevice(coordinator, await operator(request), { id: params.id }, body),
      }),
      {
        ...{ params: t.Object({ id: Id }), body: t.Object(Wish, strict) },
        response: answers({ 200: t.Object({ id: Id }) }, 400, 401, 403, 404, 409),
        detail: detail('Let a waiting appliance in, in the place of another where it was installed anew'),
      },
    )
    .post(
      '/devices/:id/end',
      async ({ request, params, body }) => {
        await endDevice(coordinator, await operator(request), params.id, body.reason);
        return new Response(null, { status: 204 });
      },
      {
        ...{ params: t.Object({ id: Id }), body: t.Object({ reason: Reason }, strict) },
        response: answers({ 204: t.Void() }, 400, 401, 403, 404, 409),
        detail: detail('Refuse a waiting appliance, or revoke one that was in'),
      },
    )
    .patch(
      '/devices/:id',
      async ({ request, params, body }) => {
        await describeDevice(coordinator, await operator(request), params.id, body);
        return new Response(null, { status: 204 });
      },
      {
        ...{ params: t.Object({ id: Id }), body: t.Object({ name: Wish.name, tags: Wish.tags }, strict) },
        response: answers({ 204: t.Void() }, 400, 401, 403, 404),
        detail: detail('Name and tags of an appliance'),
      },
    )
    .get(
      '/enrolment-codes',
      async ({ request }) => {
        await authorise(coordinator, request, 'device');
        return { codes: await listEnrolmentCodes(coordinator) };
      },
      {
        response: answers({ 200: t.Object({ codes: t.Array(t.Object(CodeFields)) }) }, 401, 403),
        detail: detail('Pre-authorised codes; the codes themselves are shown only when they are made'),
      },
    )
    .post(
      '/enrolment-codes',
      async ({ request, body }) =>
        await addEnrolmentCode(coordinator, await operator(request), { ...body, tags: body.tags ?? {} }),
      {
        body: t.Object(
          {
            ...{ note: Reason, uses_max: t.Integer({ minimum: 1, maximum: 10_000 }), expires_ms: TimeMs },
            tags: t.Optional(Tags),
          },
          strict,
        ),
        response: answers({ 200: t.Object({ ...CodeFields, code: t.String() }) }, 400, 401, 403),
        detail: detail('Make a code that lets appliances in by itself'),
      },
    )
    .delete(
      '/enrolment-codes/:id',
      async ({ request, params }) => {
        await revokeEnrolmentCode(coordinator, await operator(request), params.id);
        return new Response(null, { status: 204 });
      },
      {
        params: t.Object({ id: Id }),
        response: answers({ 204: t.Void() }, 401, 403, 404),
        detail: detail('Revoke a code'),
      },
    );
}
