import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import { sql } from 'kysely';
import { Registry } from 'prom-client';
import { VERSION } from '../../base/version.ts';
import type { Coordinator } from '../context.ts';
import { fleetMetrics } from '../server/fleet-metrics.ts';
import { raw } from '../server/openapi.ts';

const Health = t.Object({
  status: t.Union([t.Literal('ok'), t.Literal('failing')]),
  version: t.String(),
  database: t.Union([t.Literal('sqlite'), t.Literal('postgres')]),
  server_time_ms: t.Integer(),
});

/** For what watches the coordinator; tells nothing about single appliances and needs no sign-in. */
export function systemRoutes(coordinator: Coordinator) {
  const detail = (summary: string) => ({ tags: ['system'], summary, security: [] });
  return new Elysia({ name: 'system' })
    .get(
      '/health',
      async () => {
        const alive = await answersNow(coordinator);
        const health = { status: alive ? 'ok' : 'failing', version: VERSION, database: coordinator.backend };
        return Response.json(
          { ...health, server_time_ms: coordinator.now_ms() },
          { status: alive ? 200 : 503 },
        );
      },
      {
        response: { 200: Health, 503: Health },
        detail: detail('Whether the coordinator and its database answer'),
      },
    )
    .get(
      '/metrics',
      async () => {
        const all = Registry.merge([coordinator.metrics.registry, await fleetMetrics(coordinator)]);
        return new Response(await all.metrics(), { headers: { 'content-type': all.contentType } });
      },
      {
        detail: {
          ...detail('Prometheus metrics'),
          responses: { 200: raw('text/plain; version=0.0.4', 'text format') },
        },
      },
    );
}

async function answersNow({ database, log }: Coordinator): Promise<boolean> {
  try {
    await sql`select 1`.execute(database);
    return true;
  } catch (error) {
    log.error('the database does not answer', { error: String(error) });
    return false;
  }
}
