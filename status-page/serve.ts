import { BulkheadError } from '../base/errors.ts';
import { IDLE_TIMEOUT_S, REQUEST_BODY_MAX_BYTES, STOP_GRACE_MS } from './limits.ts';
import type { StatusApp } from './status-app.ts';

export interface ServeOptions {
  /** 0 picks a free one. */
  port: number;
  /** Address to listen on. By default all of them, IPv6 and IPv4 on one socket. */
  hostname?: string;
  /** Seconds after which a connection without progress is closed; 1 to 255. */
  idleTimeout_s?: number;
}

export interface StatusServer {
  port: number;
  /** Ends the live streams and closes the port; resolves when it is free again. */
  stop(): Promise<void>;
}

const EVERY_ADDRESS = '::';
const EVERY_IPV4_ADDRESS = '0.0.0.0';

/**
 * Opens the port of the status page.
 *
 * @throws BulkheadError STATUS_PORT_TAKEN, STATUS_PORT_FORBIDDEN, STATUS_LISTEN_FAILED
 */
export function serveStatusPage(app: StatusApp, options: ServeOptions): StatusServer {
  const server = listen(app, options);
  return {
    port: server.port ?? options.port,
    async stop() {
      app.close();
      // The ends of the live streams are on their way out; whoever does not take them is cut off.
      await Promise.race([server.stop(), Bun.sleep(STOP_GRACE_MS)]);
      await server.stop(true);
    },
  };
}

function listen(app: StatusApp, options: ServeOptions): Bun.Server<undefined> {
  const wanted = options.hostname ?? EVERY_ADDRESS;
  try {
    return open(app, options, wanted);
  } catch (cause) {
    const code = (cause as { code?: unknown }).code;
    const wouldRefuseIpv4Too = code === 'EADDRINUSE' || code === 'EACCES' || code === 'EPERM';
    if (options.hostname !== undefined || wouldRefuseIpv4Too) {
      throw listenError(options.port, wanted, code, cause);
    }
    // A kernel with `ipv6.disable=1` has no `::`; the page must still be there.
    return listen(app, { ...options, hostname: EVERY_IPV4_ADDRESS });
  }
}

function open(app: StatusApp, options: ServeOptions, hostname: string): Bun.Server<undefined> {
  return Bun.serve({
    hostname,
    port: options.port,
    idleTimeout: options.idleTimeout_s ?? IDLE_TIMEOUT_S,
    maxRequestBodySize: REQUEST_BODY_MAX_BYTES,
    development: false,
    // With `development: false` Bun shares ports by default: a second agent would silently answer every other request.
    reusePort: false,
    fetch: (request) => app.handle(request),
  });
}

function listenError(port: number, hostname: string, code: unknown, cause: unknown): BulkheadError {
  if (code === 'EADDRINUSE') {
    return new BulkheadError('STATUS_PORT_TAKEN', `port ${port} of ${hostname} is taken`, {
      hint: `another program has port ${port}: ss -ltnp`,
      cause,
    });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new BulkheadError(
      'STATUS_PORT_FORBIDDEN',
      `this user may not listen on port ${port} of ${hostname}`,
      {
        hint: 'ports below 1024 need CAP_NET_BIND_SERVICE, as compliance-agent.service gives it',
        cause,
      },
    );
  }
  return new BulkheadError(
    'STATUS_LISTEN_FAILED',
    `the status page cannot listen on port ${port} of ${hostname}`,
    { cause },
  );
}
