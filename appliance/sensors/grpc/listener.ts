import { createServer, type Socket } from 'node:net';
import { BulkheadError } from '../../../base/errors.ts';
import { addressKey } from '../admission/address-guard.ts';
import {
  CONNECTIONS_PER_SENSOR_MAX,
  SENSOR_CONNECTIONS_MAX,
  STRANGER_CONNECTION_MS,
  STRANGER_CONNECTIONS_MAX,
  STRANGER_CONNECTIONS_PER_ADDRESS_MAX,
} from './limits.ts';
import { Places } from './places.ts';

export interface ListenOptions {
  port: number;
  /** Default: every address of the machine. */
  host?: string;
  limits?: ConnectionLimits;
  /** From 0 to 1, as `Math.random`. */
  random?: () => number;
  /** Hands a connection on; TLS begins there. */
  onConnection: (socket: Socket) => void;
}

/** Each has a default in limits.ts. */
export interface ConnectionLimits {
  strangers_max?: number;
  strangers_per_address_max?: number;
  stranger_ms?: number;
}

export interface Listener {
  port: number;
  connections(): number;
  /** A sensor that is in has asked something on this connection (`address:port`), so it is one of its own and may stay. */
  belongs(peer: string, sensor: string): void;
  /** The address of this machine that a peer (`address:port`) has come to; null: it is gone. */
  reachedAt(peer: string): string | null;
  /** Takes no more connections. */
  close(): void;
  /** Ends those that are open. */
  end(): void;
}

interface Connection {
  socket: Socket;
  /** Takes it from the list of those it is on. */
  leave: () => void;
  sensor: string | null;
  timer: ReturnType<typeof setTimeout>;
}

/**
 * Takes connections, so many and no more, before TLS costs anything. (grpc-js listens by itself, but knows no such limits.) Until a
 * sensor has asked something on it, a connection is that of a stranger: there are few places for those, and none for long. So
 * strangers, however many, keep no sensor out.
 *
 * @throws BulkheadError SENSOR_PORT
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { port, host, onConnection, limits = {}, random = Math.random } = options;
  const open = new Map<string, Connection>();
  // By chance: who comes often has no better places than who comes once, and a handshake that runs has a good one.
  const strangers = new Places<Socket>(
    {
      in_all_max: limits.strangers_max ?? STRANGER_CONNECTIONS_MAX,
      each_max: limits.strangers_per_address_max ?? STRANGER_CONNECTIONS_PER_ADDRESS_MAX,
    },
    // Of many that have one each it is not who comes last, which has said nothing yet.
    (candidates, most) => candidates[Math.floor(random() * (candidates.length - (most === 1 ? 1 : 0)))],
  );
  // The oldest of one that has several, for it may be of before a cable was pulled; but of many that have one each, who comes last.
  const sensors = new Places<Socket>(
    { in_all_max: SENSOR_CONNECTIONS_MAX, each_max: CONNECTIONS_PER_SENSOR_MAX },
    (candidates, most) => (most === 1 ? candidates.at(-1) : candidates[0]),
  );
  const enter = (places: Places<Socket>, owner: string, socket: Socket) => {
    for (const gone of places.enter(owner, socket)) gone.destroy();
    return () => places.leave(owner, socket);
  };
  const accept = (socket: Socket) => {
    const { remoteAddress = '', remotePort = 0 } = socket;
    // Whoever goes at once has no address any more.
    if (remoteAddress === '') return void socket.destroy();
    const peer = `${remoteAddress}:${remotePort}`;
    // A connection that breaks has a close event as well; that is where it is taken off the list.
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      const connection = open.get(peer);
      if (connection?.socket !== socket) return;
      clearTimeout(connection.timer);
      connection.leave();
      open.delete(peer);
    });
    const leave = enter(strangers, addressKey(remoteAddress), socket);
    const timer = setTimeout(() => socket.destroy(), limits.stranger_ms ?? STRANGER_CONNECTION_MS);
    open.set(peer, { socket, leave, sensor: null, timer });
    if (!socket.destroyed) onConnection(socket);
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
    belongs(peer, sensor) {
      const connection = open.get(peer);
      if (connection === undefined || connection.sensor === sensor) return;
      clearTimeout(connection.timer);
      connection.leave();
      connection.sensor = sensor;
      connection.leave = enter(sensors, sensor, connection.socket);
    },
    reachedAt: (peer) => open.get(peer)?.socket.localAddress ?? null,
    close: () => void server.close(),
    end() {
      for (const { socket } of open.values()) socket.destroy();
    },
  };
}
