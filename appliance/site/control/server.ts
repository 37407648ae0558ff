import { chmodSync, rmSync } from 'node:fs';
import { type AnyElysia, Elysia } from 'elysia';
import { BulkheadError, describeError } from '../../../base/errors.ts';
import { CONTROL_BODY_MAX_BYTES } from '../limits.ts';
import { controlProblem } from './problem.ts';

/** The host of an address over a socket, which nobody looks at. */
const HOST = 'http://site.local';

export interface ControlServer {
  stop(): Promise<void>;
}

export interface ControlOptions {
  socket: string;
  /** Routes of the parts. */
  parts: readonly AnyElysia[];
  /** Told every error that is not an answer. */
  onFault: (words: string) => void;
}

/**
 * Opens the socket by which this machine asks the site's service. Who may connect is a matter of the file: its user, its group
 * (the agent) and root.
 *
 * @throws BulkheadError SITE_SOCKET
 */
export function serveControl({ socket, parts, onFault }: ControlOptions): ControlServer {
  const app = new Elysia({ name: 'site-control' }).onError({ as: 'global' }, ({ error, code }) => {
    const known = knownError(error, code);
    if (!(known instanceof BulkheadError)) onFault(describeError(known));
    return Response.json(controlProblem(known), { status: known instanceof BulkheadError ? 409 : 500 });
  });
  for (const part of parts) app.use(part);
  // What a process before this one left when it was killed.
  rmSync(socket, { force: true });
  try {
    const server = Bun.serve({
      unix: socket,
      maxRequestBodySize: CONTROL_BODY_MAX_BYTES,
      fetch: (request) => app.handle(new Request(HOST + pathOf(request), request)),
    });
    chmodSync(socket, 0o660);
    return {
      async stop() {
        await server.stop(true);
        rmSync(socket, { force: true });
      },
    };
  } catch (cause) {
    throw new BulkheadError('SITE_SOCKET', `cannot open the control socket ${socket}`, {
      cause,
      hint: 'its folder has to be there and to belong to the service: RuntimeDirectory= of its unit makes it',
    });
  }
}

function pathOf(request: Request): string {
  const { pathname, search } = new URL(request.url, HOST);
  return pathname + search;
}

function knownError(error: unknown, code: string | number): unknown {
  if (code === 'NOT_FOUND')
    return new BulkheadError('SITE_ROUTE_UNKNOWN', 'the service has no such question');
  if (code === 'VALIDATION' || code === 'PARSE')
    return new BulkheadError('SITE_REQUEST_INVALID', `what was asked does not hold: ${firstLine(error)}`);
  return error;
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  try {
    const { summary } = JSON.parse(message) as { summary?: unknown };
    return typeof summary === 'string' ? summary : 'it is not of the form that is expected';
  } catch {
    return message.split('\n')[0] ?? '';
  }
}
