import { Elysia } from 'elysia';

/** `bun bench/empty-server.ts`: answers every POST with nothing to do; the ceiling of what a coordinator on this stack can reach. */
const app = new Elysia().post('/agent/heartbeat', () => Response.json({ server_time_ms: 0 }), {
  parse: 'none',
});
const server = Bun.serve({
  ...{ hostname: '127.0.0.1', port: 0, development: false, reusePort: false },
  fetch: (request) => app.handle(request),
});
process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${server.port}`, port: server.port })}\n`);
process.once('SIGTERM', () => process.exit());
