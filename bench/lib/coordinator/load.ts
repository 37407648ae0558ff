import { BulkheadError } from '../../../base/errors.ts';
import { LOAD_TIMEOUT_MS } from './limits.ts';

/** What a load of requests has seen. */
export interface LoadResult {
  answered: number;
  /** Answers by status. */
  statuses: Record<string, number>;
  seconds: number;
  /** From the first byte sent to the last byte received, milliseconds, sorted. */
  latencies_ms: Float64Array;
}

/** A request as bytes, ready to be sent; undefined: there are no more. */
export type NextRequest = () => Uint8Array | undefined;

/**
 * Sends requests over so many connections, one after the other on each, as fast as they are answered. The requests were made beforehand and the
 * answers are only counted, so that the sender takes as little of the computer as it can.
 *
 * @param stop_ms after that long nothing more is sent
 * @throws BulkheadError BENCH_LOAD when a connection breaks
 */
export async function runLoad(
  port: number,
  connections: number,
  next: NextRequest,
  stop_ms: number = LOAD_TIMEOUT_MS,
): Promise<LoadResult> {
  const statuses: Record<string, number> = {};
  const latencies: number[] = [];
  const begun_ms = performance.now();
  const one = async () => {
    const done = Promise.withResolvers<void>();
    const reader = createReader();
    let sent_ms = 0;
    const send = (socket: Bun.Socket) => {
      const request = performance.now() - begun_ms < stop_ms ? next() : undefined;
      if (!request) {
        socket.end();
        done.resolve();
        return;
      }
      sent_ms = performance.now();
      // A request is far smaller than the buffer of a socket, and the one before was answered.
      if (socket.write(request) !== request.length) done.reject(broken('a request was not taken whole'));
    };
    await Bun.connect({
      ...{ hostname: '127.0.0.1', port },
      socket: {
        open: send,
        data(socket, bytes) {
          const status = reader.add(bytes);
          if (status === undefined) return;
          latencies.push(performance.now() - sent_ms);
          statuses[status] = (statuses[status] ?? 0) + 1;
          send(socket);
        },
        close: () => done.resolve(),
        error: (_, cause) => done.reject(broken('a connection broke', cause)),
      },
    });
    await done.promise;
  };
  await Promise.all(Array.from({ length: connections }, one));
  return {
    ...{ answered: latencies.length, statuses, seconds: (performance.now() - begun_ms) / 1000 },
    latencies_ms: Float64Array.from(latencies).sort(),
  };
}

/** @param share from 0 to 1 @returns 0 for no answers */
export function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** A POST with these fields, as it goes over the wire. */
export function requestBytes(
  { port, path }: { port: number; path: string },
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): Uint8Array {
  const fields = { host: `127.0.0.1:${port}`, 'content-type': 'application/json', ...headers };
  const head = Object.entries({ ...fields, 'content-length': String(body.length) })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${head}\r\n`), body]);
}

/** Tells when an answer is complete: these have a Content-Length. */
function createReader(): { add(bytes: Uint8Array): string | undefined } {
  let held = Buffer.alloc(0);
  return {
    add(bytes) {
      held = held.length === 0 ? Buffer.from(bytes) : Buffer.concat([held, bytes]);
      const end = held.indexOf('\r\n\r\n');
      if (end < 0) return undefined;
      const head = held.toString('latin1', 0, end);
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (held.length < end + 4 + length) return undefined;
      held = Buffer.alloc(0);
      return head.slice(9, 12);
    },
  };
}

function broken(what: string, cause?: unknown): BulkheadError {
  return new BulkheadError('BENCH_LOAD', `the load ended early: ${what}`, {
    hint: 'did the server end? its own words are above',
    ...(cause === undefined ? {} : { cause }),
  });
}
