import { createServer, type Socket } from 'node:net';
import { BulkheadError } from '../../../base/errors.ts';
import { addressKey } from '../admission/address-guard.ts';
import { CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX, FIRST_CALL_MS } from './limits.ts';

export interface ListenOptions {
  port: number;
  /** Default: every address of the machine. */
  host?: string;
  connections_per_address_max?: number;
  /** Hands a connection on; TLS begins there. */
  onConnection: (socket: Socket) => void;
}

export interface Listener {
  port: number;
  connections(): number;
  /** Somebody asked something on this connection (`address:port`), so it may stay. */
  asked(peer: string): void;
  /** The address of this machine that a peer (`address:port`) has come to; null: it is gone. */
  reachedAt(peer: string): string | null;
  /** Takes no more connections. */
  close(): void;
  /** Ends those that are open. */
  end(): void;
}

/**
 * Takes connections, so many and no more, of all and of each address, before TLS costs anything. (grpc-js listens by itself, but
 * knows no such limits.)
 *
 * @throws BulkheadError SENSOR_PORT
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { port, host, onConnection, connections_per_address_max = CONNECTIONS_PER_ADDRESS_MAX } = options;
  const open = new Map<string, Socket>();
  const silent = new Map<string, ReturnType<typeof setTimeout>>();
  const counts = new Map<string, number>();
  const accept = (socket: Socket) => {
    const { remoteAddress = '', remotePort = 0 } = socket;
    const key = addressKey(remoteAddress);
    const count = counts.get(key) ?? 0;
    // Whoever goes at once has no address any more.
    if (remoteAddress === '' || count >= connections_per_address_max || open.size >= CONNECTIONS_MAX) {
      socket.destroy();
      return;
    }
    const peer = `${remoteAddress}:${remotePort}`;
    counts.set(key, count + 1);
    open.set(peer, socket);
    silent.set(
      peer,
      setTimeout(() => socket.destroy(), FIRST_CALL_MS),
    );
    socket.once('close', () => {
      const left = (counts.get(key) ?? 1) - 1;
      if (left > 0) counts.set(key, left);
      else counts.delete(key);
      open.delete(peer);
      clearTimeout(silent.get(peer));
      silent.delete(peer);
    });
    // A connection that breaks has a close event as well; that is where it is taken off the list.
    socket.on('error', () => socket.destroy());
    onConnection(socket);
  };
  const server = createServer({ noDelay: true }, accept);
  const bind = (address: string) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, host: address }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  try {
    // Without IPv6 in the kernel there is no `::`.
    if (host === undefined) await bind('::').catch(() => bind('0.0.0.0'));
    else await bind(host);
  } catch (cause) {
    throw new BulkheadError('SENSOR_PORT', `cannot listen on port ${port} for sensors`, {
      cause,
      hint: `'ss -ltnp' tells who has it`,
    });
  }
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    connections: () => open.size,
    asked(peer) {
      clearTimeout(silent.get(peer));
      silent.delete(peer);
    },
    reachedAt: (peer) => open.get(peer)?.localAddress ?? null,
    close: () => void server.close(),
    end() {
      for (const socket of open.values()) socket.destroy();
    },
  };
}
