import { afterAll } from 'vitest';

/** One request as it came. */
export interface Received {
  method: string;
  path: string;
  headers: Headers;
  body: string;
}

export interface Receiver {
  url: string;
  received: Received[];
  /** How the next requests are answered, one after the other; the last one for all after it. */
  answers: (() => Response | Promise<Response>)[];
}

const servers: Bun.Server<undefined>[] = [];
afterAll(async () => {
  for (const server of servers.splice(0)) await server.stop(true);
});

/** A real HTTP server that keeps what it gets, stopped at the end of the file. */
export function startReceiver(): Receiver {
  const receiver: Receiver = { url: '', received: [], answers: [() => Response.json({})] };
  const server = Bun.serve({
    ...{ hostname: '127.0.0.1', port: 0 },
    async fetch(request) {
      const { pathname } = new URL(request.url);
      receiver.received.push({
        ...{ method: request.method, path: pathname, headers: request.headers, body: await request.text() },
      });
      const [first] = receiver.answers;
      const answer = receiver.answers.length > 1 ? receiver.answers.shift() : first;
      return (await answer?.()) ?? Response.json({});
    },
  });
  servers.push(server);
  receiver.url = `http://127.0.0.1:${server.port}`;
  return receiver;
}
