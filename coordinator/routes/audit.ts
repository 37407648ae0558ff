import { Type as t } from '@sinclair/typebox';
import { Elysia, t as elysia } from 'elysia';
import { verifyChain } from '../audit/chain.ts';
import { allAudit, latestAudit } from '../audit/log.ts';
import type { Coordinator } from '../context.ts';
import { authorise } from '../people/authorise.ts';
import { raw } from '../server/openapi.ts';
import { answers, Nullable, PageSize, TimeMs } from './parts.ts';

const Entry = t.Object({
  ...{ sequence: t.Integer(), at_ms: TimeMs, actor: t.String(), action: t.String(), subject: t.String() },
  ...{ details: t.Record(t.String(), t.Unknown()), previous_hash: t.String(), hash: t.String() },
});
const Verdict = t.Object({
  intact: t.Boolean(),
  entries: t.Integer(),
  head: t.Object(
    { sequence: t.Integer(), hash: t.String() },
    { description: 'note it down: it shows a later cut' },
  ),
  fault: Nullable(
    t.Object({ sequence: t.Integer(), kind: t.String({ description: 'gap, fork, edited, not_the_first' }) }),
  ),
});

/** Who did what. */
export function auditRoutes(coordinator: Coordinator) {
  const detail = (summary: string) => ({ tags: ['audit'], summary });
  return new Elysia({ name: 'audit', prefix: '/api/v1/audit' })
    .get(
      '',
      async ({ request, query }) => {
        await authorise(coordinator, request, 'audit');
        return { entries: await latestAudit(coordinator.database, query.limit ?? 100, query.before) };
      },
      {
        query: t.Object({
          limit: PageSize,
          before: elysia.Optional(elysia.Numeric({ minimum: 1, multipleOf: 1 })),
        }),
        response: answers({ 200: t.Object({ entries: t.Array(Entry) }) }, 400, 401, 403),
        detail: detail('The latest entries, newest first'),
      },
    )
    .get(
      '/verify',
      async ({ request }) => {
        await authorise(coordinator, request, 'audit');
        return await verifyChain(allAudit(coordinator.database));
      },
      { response: answers({ 200: Verdict }, 401, 403), detail: detail('Whether the chain is whole') },
    )
    .get(
      '/export',
      async ({ request }) => {
        await authorise(coordinator, request, 'audit');
        return new Response(lines(coordinator), {
          headers: { 'content-type': 'application/jsonl' },
        });
      },
      {
        detail: {
          ...detail('All entries, oldest first, one JSON object a line'),
          responses: { 200: raw('application/jsonl', 'bulkhead-coordinator audit verify reads it') },
        },
      },
    );
}

async function* lines({ database }: Coordinator): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const entry of allAudit(database)) yield encoder.encode(`${JSON.stringify(entry)}\n`);
}
