import { networkInterfaces } from 'node:os';
import { BulkheadError } from '../../base/errors.ts';
import { FORM_MAX_BYTES } from '../artifacts/limits.ts';
import type { Coordinator } from '../context.ts';
import { IDLE_TIMEOUT_S, STOP_GRACE_MS } from '../limits.ts';
import type { App } from './app.ts';
import { withinBodyLimit } from './body-limit.ts';
import { clientAddress } from './client-address.ts';
import { bodyTooLarge } from './problem.ts';
import { refuse } from './respond.ts';

export interface Server {
  port: number;
  /** Takes no more connections, lets running requests end within STOP_GRACE_MS, and closes. */
  stop(): Promise<void>;
}

/** Certificate chain and its key, both in PEM. */
export interface Tls {
  certificate: string;
  key: string;
}

/** IPv6 and IPv4 on one socket. */
export const EVERY_ADDRESS = '::';
const EVERY_IPV4_ADDRESS = '0.0.0.0';

/**
 * @param tls none: a reverse proxy in front speaks TLS
 * @throws BulkheadError LISTEN_FAILED, TLS_UNUSABLE
 */
export function serve(
  app: App,
  coordinator: Coordinator,
  { hostname, port, tls }: { hostname: string; port: number; tls?: Tls | undefined },
): Server {
  const { trusted_proxies } = coordinator.settings;
  let running = 0;
  const handle = async (request: Request, server: Bun.Server<undefined>) => {
    running += 1;
    try {
      const peer = server.requestIP(request)?.address;
      const bounded = await withinBodyLimit(request);
      if (!bounded) return refuse(bodyTooLarge());
      return await app.handle(bounded, clientAddress(request, peer, trusted_proxies));
    } finally {
      running -= 1;
    }
  };
  const server = listen(handle, { hostname, port, tls });
  return {
    port: server.port ?? port,
    async stop() {
      const stopped = server.stop();
      // A kept-alive connection never ends by itself; what counts are the requests that run.
      const deadline_ms = performance.now() + STOP_GRACE_MS;
      while (running > 0 && performance.now() < deadline_ms) await Bun.sleep(10);
      await Promise.race([stopped, Bun.sleep(50)]);
      await server.stop(true);
    },
  };
}

function listen(
  handle: (request: Request, server: Bun.Server<undefined>) => Promise<Response>,
  place: { hostname: string; port: number; tls: Tls | undefined },
): Bun.Server<undefined> {
  const { hostname, port, tls } = place;
  try {
    return Bun.serve({
      ...{ hostname, port, fetch: handle, idleTimeout: IDLE_TIMEOUT_S, development: false },
      // The most that any request may have; body-limit.ts holds all others to less.
      maxRequestBodySize: FORM_MAX_BYTES,
      // With `development: false` Bun shares ports by default: a second coordinator would silently take every other request.
      reusePort: false,
      ...(tls === undefined ? {} : { tls: { cert: tls.certificate, key: tls.key } }),
    });
  } catch (cause) {
    const code = (cause as { code?: unknown }).code;
    const taken = code === 'EADDRINUSE';
    const forbidden = code === 'EACCES' || code === 'EPERM';
    // A kernel with `ipv6.disable=1` has no `::`.
    if (/^ERR_(SSL|BORINGSSL|TLS|OSSL)/.test(String(code)))
      throw new BulkheadError('TLS_UNUSABLE', 'certificate and key do not serve for TLS', {
        hint: 'PEM files are needed: the chain with the certificate of this host first, and its key without a password',
        cause,
      });
    if (hostname === EVERY_ADDRESS && !taken && !forbidden)
      return listen(handle, { ...place, hostname: EVERY_IPV4_ADDRESS });
    throw new BulkheadError('LISTEN_FAILED', `cannot listen on port ${port} of ${hostname}`, {
      hint: taken
        ? `another program has that port: ss -ltnp; --port takes another`
        : 'may this user open that port?',
      cause,
    });
  }
}

/**
 * Host fields that requests of appliances may carry: the names that an operator gave, or else what this machine is called by
 * itself. A request that was signed for another coordinator is thereby told from one for this.
 *
 * @param urls addresses at which appliances reach the coordinator; none: the names and addresses of this machine
 */
export function ownAuthorities(urls: readonly URL[], hostname: string, port: number): Set<string> {
  const local = ['localhost', '127.0.0.1', '[::1]'];
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .map(({ address, family }) => (family === 'IPv6' ? `[${address}]` : address));
  const hosts = urls.length > 0 ? local : [...local, hostname.toLowerCase(), ...addresses];
  return new Set([...hosts.map((host) => `${host}:${port}`), ...urls.map((url) => url.host.toLowerCase())]);
}
