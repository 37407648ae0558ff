import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import { OneOf } from '../../base/schema.ts';
import { ALARM_KINDS, SEVERITIES } from '../alarms/kinds.ts';
import { acknowledgeAlarm, countAlarms, listAlarms, readAlarm } from '../alarms/look.ts';
import type { Coordinator } from '../context.ts';
import { authorise } from '../people/authorise.ts';
import { answers, Id, Nullable, PageSize, Reason, TimeMs } from './parts.ts';

const Kind = OneOf(ALARM_KINDS);
const AlarmFields = t.Object({
  ...{ id: Id, kind: Kind, severity: OneOf(SEVERITIES), message: t.String() },
  subject: t.String({ description: 'device:ID, rollout:ID, coordinator, fleet' }),
  ...{ opened_ms: TimeMs, closed_ms: Nullable(TimeMs), acknowledged_ms: Nullable(TimeMs) },
  ...{ acknowledged_by: Nullable(t.String()), note: Nullable(t.String()) },
});
const Counts = t.Object({
  open: t.Record(t.String(), t.Integer(), { description: 'by kind' }),
  unacknowledged: t.Integer(),
});

/** What is wrong. */
export function alarmRoutes(coordinator: Coordinator) {
  const detail = (summary: string) => ({ tags: ['alarms'], summary });
  const params = t.Object({ id: Id });
  return new Elysia({ name: 'alarms', prefix: '/api/v1/alarms' })
    .get(
      '',
      async ({ request, query }) => {
        await authorise(coordinator, request, 'read');
        const { state = 'open', limit = 100 } = query;
        const alarms = await listAlarms(coordinator, { ...query, state, limit });
        return { alarms, counts: await countAlarms(coordinator) };
      },
      {
        query: t.Object({
          ...{ state: t.Optional(OneOf(['open', 'closed', 'all'])), kind: t.Optional(Kind) },
          ...{ before: t.Optional(Id), limit: PageSize },
        }),
        response: answers({ 200: t.Object({ alarms: t.Array(AlarmFields), counts: Counts }) }, 400, 401, 403),
        detail: detail('What is wrong, newest first'),
      },
    )
    .get(
      '/:id',
      async ({ request, params }) => {
        await authorise(coordinator, request, 'read');
        return await readAlarm(coordinator, params.id);
      },
      { params, response: answers({ 200: AlarmFields }, 401, 403, 404), detail: detail('One alarm') },
    )
    .post(
      '/:id/acknowledge',
      async ({ request, params, body }) => {
        const { actor } = await authorise(coordinator, request, 'alarm');
        await acknowledgeAlarm(coordinator, actor, params.id, body.note);
        return new Response(null, { status: 204 });
      },
      {
        ...{ params, body: t.Object({ note: Reason }, { additionalProperties: false }) },
        response: answers({ 204: t.Void() }, 400, 401, 403, 404, 409),
        detail: detail('Say that somebody has seen it, and what they do'),
      },
    );
}
