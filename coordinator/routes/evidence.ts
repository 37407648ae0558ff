import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import { ChainId } from '../../protocol/evidence/record.ts';
import { PublicKey } from '../../protocol/messages/parts.ts';
import type { Coordinator } from '../context.ts';
import { readDevice } from '../devices/list.ts';
import { listCheckpoints, listEvidence, readRecords } from '../evidence/list.ts';
import { settleFork } from '../evidence/settle.ts';
import { authorise } from '../people/authorise.ts';
import { raw } from '../server/openapi.ts';
import { answers, Id, Nullable, Reason, TimeMs } from './parts.ts';

const Chain = t.Object({
  ...{ chain: ChainId, key_id: t.String(), first_ms: TimeMs },
  last_seq: Nullable(t.Integer({ description: 'the last record that was countersigned' })),
  last_ms: Nullable(TimeMs),
  trouble: Nullable(t.String({ description: 'why it is not to be trusted' })),
  ...{ trouble_ms: Nullable(TimeMs), segments: t.Integer(), kept_bytes: t.Integer() },
});

/** What appliances have put on record. */
export function evidenceRoutes(coordinator: Coordinator) {
  const detail = (summary: string) => ({ tags: ['evidence'], summary });
  const params = t.Object({ id: Id });
  return new Elysia({ name: 'evidence', prefix: '/api/v1/devices/:id/evidence' })
    .get(
      '',
      async ({ request, params: { id } }) => {
        await authorise(coordinator, request, 'read');
        await readDevice(coordinator, id);
        return { chains: await listEvidence(coordinator, id) };
      },
      {
        ...{ params, response: answers({ 200: t.Object({ chains: t.Array(Chain) }) }, 401, 403, 404) },
        detail: detail('Chains of evidence of an appliance, newest first'),
      },
    )
    .get(
      '/checkpoints',
      async ({ request, params: { id } }) => {
        await authorise(coordinator, request, 'audit');
        return await listCheckpoints(coordinator, id);
      },
      {
        params,
        response: answers(
          {
            200: t.Object({
              ...{ device_key: PublicKey, coordinator_keys: t.Array(PublicKey) },
              countersignatures: t.Array(t.Unknown({ description: 'DSSE envelope' })),
            }),
          },
          ...([401, 403, 404] as const),
        ),
        detail: detail('What was countersigned, with the keys: for bulkhead evidence verify --checkpoints'),
      },
    )
    .post(
      '/chains/:chain/settle',
      async ({ request, params: { id, chain }, body: { reason } }) => {
        const { actor } = await authorise(coordinator, request, 'device');
        await settleFork(coordinator, actor, { device_id: id, chain, reason });
        return new Response(null, { status: 204 });
      },
      {
        params: t.Object({ id: Id, chain: ChainId }),
        body: t.Object({ reason: Reason }, { additionalProperties: false }),
        response: answers({ 204: t.Void() }, 400, 401, 403, 409),
        detail: detail('Somebody has looked into a chain that contradicts itself, and lets it go on'),
      },
    )
    .get(
      '/chains/:chain',
      async ({ request, params: { id, chain } }) => {
        await authorise(coordinator, request, 'audit');
        const records = readRecords(coordinator, id, chain);
        // What is not there is said before anything is sent.
        const first = await records.next();
        return new Response(
          new ReadableStream<Uint8Array>({
            start: (controller) => controller.enqueue(Buffer.from(first.value ?? '')),
            async pull(controller) {
              const { done, value } = await records.next();
              if (done) controller.close();
              else controller.enqueue(Buffer.from(value));
            },
          }),
          { headers: { 'content-type': 'application/jsonl' } },
        );
      },
      {
        params: t.Object({ id: Id, chain: ChainId }),
        detail: {
          ...detail('Records of a chain that are kept here, one a line'),
          responses: { 200: raw('application/jsonl', 'bulkhead evidence verify reads it') },
        },
      },
    );
}
