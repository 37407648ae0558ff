import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import { BulkheadError } from '../../base/errors.ts';
import { OneOf } from '../../base/schema.ts';
import type { Coordinator } from '../context.ts';
import { addressSubject } from '../people/lockout.ts';
import { createRateLimit, TooMany } from '../reports/rate-limit.ts';
import { WEBHOOK_FAILURE_BURST, WEBHOOK_FAILURE_REFILL_PER_S } from '../webhooks/limits.ts';
import { receiveWebhook } from '../webhooks/receive.ts';
import { type AddressOf, answers, Id, Nullable } from './parts.ts';

const Taken = t.Object({
  event: t.String(),
  outcome: OneOf(['queued', 'ignored', 'repeated']),
  reason: Nullable(t.String({ description: 'why nothing is built' })),
  job_id: Nullable(Id),
});

/** What Git services call. The body is read as bytes: what is signed is what is parsed. */
export function webhookRoutes(coordinator: Coordinator, addressOf: AddressOf) {
  const limit = { burst: WEBHOOK_FAILURE_BURST, refill_per_s: WEBHOOK_FAILURE_REFILL_PER_S };
  const failures = createRateLimit(limit, coordinator.now_ms);
  return new Elysia({ name: 'webhooks' }).post(
    '/webhooks/:id',
    async ({ request, params }) => {
      const subject = addressSubject(addressOf(request));
      const wait_s = failures.wait(subject);
      if (wait_s > 0) throw new TooMany('too many requests of this address were refused', wait_s);
      const body = new Uint8Array(await request.arrayBuffer());
      try {
        const field = (name: string) => request.headers.get(name);
        return Response.json(await receiveWebhook(coordinator, params.id, field, body), { status: 202 });
      } catch (error) {
        if (error instanceof BulkheadError && error.code === 'WEBHOOK_UNVERIFIED') failures.take(subject);
        throw error;
      }
    },
    {
      ...{ params: t.Object({ id: t.String({ maxLength: 100 }) }), parse: 'none' },
      response: answers({ 202: Taken }, 400, 401, 409, 413, 429),
      detail: {
        ...{ tags: ['builds'], summary: 'A push, told by GitHub, GitLab or Gitea', security: [] },
        requestBody: {
          required: true,
          content: {
            'application/json': { schema: { type: 'object', description: 'as the service has it' } },
          },
        },
      },
    },
  );
}
