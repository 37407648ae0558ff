import { connect, createServer, type Socket } from 'node:net';
import { LINE_BYTES_PER_S, LINE_STEP_MS } from './limits.ts';

/**
 * A line of a known speed in front of a server of this computer. The loopback alone hands megabytes to socket buffers that nobody
 * reads; behind a line that is slower than its reader they stay empty, so what was carried is what was received.
 */
export interface SlowLine {
  port: number;
  /** Carried towards the client so far. */
  carried_bytes: number;
  close(): Promise<void>;
}

export async function openSlowLine(server_port: number): Promise<SlowLine> {
  const open = new Set<Socket>();
  const listener = createServer((client) => carry(client, server_port, line, open));
  const line: SlowLine = {
    port: 0,
    carried_bytes: 0,
    close: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        listener.close(() => resolve());
      }),
  };
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  if (typeof address === 'object' && address) line.port = address.port;
  return line;
}

function carry(client: Socket, server_port: number, line: SlowLine, open: Set<Socket>): void {
  const server = connect(server_port, '127.0.0.1');
  const waiting: Buffer[] = [];
  const step_bytes = Math.ceil((LINE_BYTES_PER_S * LINE_STEP_MS) / 1000);
  const timer = setInterval(() => {
    // Only while the client has taken what it was given: a line does not run ahead of its reader.
    for (let left_bytes = step_bytes; left_bytes > 0 && client.writableLength === 0; ) {
      const part = waiting.shift();
      if (!part) break;
      const now = part.subarray(0, left_bytes);
      if (now.length < part.length) waiting.unshift(part.subarray(now.length));
      left_bytes -= now.length;
      line.carried_bytes += now.length;
      client.write(now);
    }
    if (waiting.length === 0) {
      if (server.readableEnded) client.end();
      else server.resume();
    }
  }, LINE_STEP_MS);
  const end = () => {
    clearInterval(timer);
    for (const socket of [client, server]) {
      socket.destroy();
      open.delete(socket);
    }
  };
  for (const socket of [client, server]) {
    open.add(socket);
    // A client that was killed is what this is for.
    socket.on('error', end);
    socket.on('close', end);
  }
  client.on('data', (part) => server.write(part));
  server.on('data', (part: Buffer) => {
    waiting.push(part);
    server.pause();
  });
}
