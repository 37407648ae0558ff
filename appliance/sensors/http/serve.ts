import { BulkheadError } from '../../../base/errors.ts';
import type { SensorApi } from './app.ts';
import { BODY_MAX_BYTES, IDLE_TIMEOUT_S, SENSOR_HTTP_PORT, STOP_GRACE_MS } from './limits.ts';

export interface SensorServer {
  port: number;
  /** Lets requests that run come to their end, and closes the port. */
  stop(): Promise<void>;
}

/**
 * Opens the port of the sensors.
 *
 * @param options `port`: default SENSOR_HTTP_PORT, 0 picks a free one; `hostname`: by default all addresses, IPv6 and IPv4
 * @throws BulkheadError SENSOR_PORT
 */
export function serveSensorApi(
  api: SensorApi,
  { port = SENSOR_HTTP_PORT, hostname }: { port?: number; hostname?: string } = {},
): SensorServer {
  const open = (name: string) =>
    Bun.serve({
      hostname: name,
      port,
      idleTimeout: IDLE_TIMEOUT_S,
      // What is a little larger is told so by the API; the rest is not read.
      maxRequestBodySize: 2 * BODY_MAX_BYTES,
      development: false,
      reusePort: false,
      fetch: (request, from) => api.handle(request, plain(from.requestIP(request)?.address)),
    });
  const server = listen(open, hostname, port);
  return {
    port: server.port ?? port,
    async stop() {
      await Promise.race([server.stop(), Bun.sleep(STOP_GRACE_MS)]);
      await server.stop(true);
    },
  };
}

function listen<T>(open: (name: string) => T, hostname: string | undefined, port: number): T {
  try {
    if (hostname !== undefined) return open(hostname);
    try {
      return open('::');
    } catch (error) {
      if ((error as { code?: unknown }).code === 'EADDRINUSE') throw error;
      // A kernel with `ipv6.disable=1` has no `::`.
      return open('0.0.0.0');
    }
  } catch (cause) {
    throw new BulkheadError('SENSOR_PORT', `the sensor API cannot listen on port ${port}`, {
      cause,
      hint: `another program may have it: ss -ltnp 'sport = :${port}'`,
    });
  }
}

/** IPv4 over a socket of both is written as it is everywhere else. */
function plain(address = 'unknown'): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '');
}
