import { BulkheadError, describeError } from '../../../base/errors.ts';
import { HTTP_REQUEST_TIMEOUT_MS, POLL_MS } from './limits.ts';

export interface HttpAnswer {
  status: number;
  headers: Headers;
  body: string;
  /** The body as JSON; throws when it is none. */
  json(): unknown;
}

/** A forwarded port of a machine, spoken to by HTTP. */
export class HttpPort {
  /**
   * @param checkMachine throws when the machine can no longer answer, so that waits end early
   * @param fail turns an error into one that carries the console, and keeps the logs
   */
  constructor(
    readonly hostPort: number,
    private readonly checkMachine: () => void,
    private readonly fail: (code: string, message: string) => Promise<Error>,
  ) {}

  url(path: string): string {
    return `http://127.0.0.1:${this.hostPort}${path}`;
  }

  /** One request on a connection of its own. Any status is an answer. */
  async get(path: string, init: RequestInit = {}): Promise<HttpAnswer> {
    const signal = AbortSignal.timeout(HTTP_REQUEST_TIMEOUT_MS);
    const response = await fetch(this.url(path), { signal, redirect: 'manual', keepalive: false, ...init });
    const body = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body,
      json: () => JSON.parse(body) as unknown,
    };
  }

  /**
   * Asks again and again until an answer satisfies.
   *
   * @param predicate gets every answer; what it throws counts as "not yet" and stands in the error at the end
   * @throws BulkheadError MACHINE_HTTP_TIMEOUT with the last answer or failure; what the machine dies of
   */
  async waitForHttp(
    path: string,
    predicate: (answer: HttpAnswer) => boolean,
    timeout_ms: number,
  ): Promise<HttpAnswer> {
    const deadline = Date.now() + timeout_ms;
    let last = 'no answer';
    for (;;) {
      this.checkMachine();
      try {
        const answer = await this.get(path);
        last = `${answer.status} ${answer.body.slice(0, 500)}`;
        if (predicate(answer)) return answer;
      } catch (error) {
        last = describeError(error);
      }
      if (Date.now() > deadline) {
        throw await this.fail(
          'MACHINE_HTTP_TIMEOUT',
          `${this.url(path)} did not answer as expected within ${timeout_ms} ms; last: ${last}`,
        );
      }
      await Bun.sleep(4 * POLL_MS);
    }
  }
}

/** @throws BulkheadError MACHINE_PORT_NOT_FORWARDED */
export function hostPortOf(forwards: Readonly<Record<number, number>>, guestPort: number): number {
  const port = forwards[guestPort];
  if (port !== undefined) return port;
  throw new BulkheadError('MACHINE_PORT_NOT_FORWARDED', `port ${guestPort} of the machine is not forwarded`, {
    hint: `start it with forwards: { ${guestPort}: 0 }`,
  });
}
