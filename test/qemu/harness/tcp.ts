import { connect, createServer, type Server } from 'node:net';

/** Something on this computer that answers a connection with one line, and remembers how many came. */
export interface Greeter {
  port: number;
  connections: number;
  close(): Promise<void>;
}

/**
 * Listens on the loopback of this computer, which the machine reaches as 10.0.2.2.
 *
 * @param port 0 for any free one
 * @returns undefined when the port is taken or not allowed
 */
export async function greet(port: number): Promise<Greeter | undefined> {
  const greeter: Greeter = { port, connections: 0, close: async () => {} };
  const server = createServer((socket) => {
    greeter.connections += 1;
    socket.on('error', () => {});
    socket.end('hello from outside\n');
  });
  const opened = await new Promise<Server | undefined>((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
  const address = opened?.address();
  if (!opened || typeof address !== 'object' || !address) return undefined;
  greeter.port = address.port;
  greeter.close = () => new Promise((resolve) => opened.close(() => resolve()));
  return greeter;
}

/**
 * What comes back on a port of this computer: bytes, or silence. QEMU accepts for the machine before it has asked it, so
 * that a connection opens says nothing.
 *
 * @param request sent when the connection is open
 */
export function answerOf(port: number, request: string, patience_ms: number): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    const finish = () => {
      socket.destroy();
      resolve(heard);
    };
    socket.on('data', (bytes) => {
      heard += bytes.toString('latin1');
    });
    socket.on('error', finish);
    socket.on('close', finish);
    setTimeout(finish, patience_ms);
  });
}
