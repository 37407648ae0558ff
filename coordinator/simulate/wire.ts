import type { Static, TSchema } from '@sinclair/typebox';
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler';
import { BulkheadError } from '../../base/errors.ts';
import { type RequestSigner, signRequest } from '../../protocol/http-signature/sign.ts';
import { AgentProblem } from '../../protocol/messages/answers.ts';
import { REQUEST_TIMEOUT_MS } from './limits.ts';

/** The coordinator said no. */
export class Refused extends Error {
  readonly code: string;
  readonly last_sequence: number | undefined;
  /** Not before then; null: it did not say. */
  readonly retry_after_s: number | null;

  constructor({ error, last_sequence }: AgentProblem, retry_after_s: number | null) {
    super(error.message);
    this.code = error.code;
    this.last_sequence = last_sequence;
    this.retry_after_s = retry_after_s;
  }
}

export interface Wire {
  /**
   * A signed request and its answer.
   *
   * @throws Refused, and whatever fetch throws when nobody answers
   */
  post<S extends TSchema>(
    request: { path: string; body: object; signer: RequestSigner; sequence: number },
    answer: TypeCheck<S>,
  ): Promise<Static<S>>;
  /** The coordinator's clock, as far as it is known. */
  now_ms(): number;
}

const checkProblem = TypeCompiler.Compile(AgentProblem);

/** How a fleet talks to its coordinator: the requests are those of the protocol, and so is what is taken for an answer. */
export function createWire(server: URL, now_ms: () => number): Wire {
  let ahead_ms = 0;
  const wire: Wire = {
    now_ms: () => now_ms() + ahead_ms,
    async post({ path, body, signer, sequence }, answer) {
      const bytes = new TextEncoder().encode(JSON.stringify(body));
      const url = new URL(path, server);
      const created_s = Math.floor(wire.now_ms() / 1000);
      const signed = signRequest({ method: 'POST', url, body: bytes }, signer, { sequence, created_s });
      const response = await fetch(url, {
        ...{ method: 'POST', body: bytes, redirect: 'error' },
        headers: { ...signed, 'content-type': 'application/json' },
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      const value: unknown = await response.json();
      const { server_time_ms } = value as { server_time_ms?: unknown };
      if (typeof server_time_ms === 'number') ahead_ms = server_time_ms - now_ms();
      if (response.ok && answer.Check(value)) return value;
      if (!response.ok && checkProblem.Check(value)) {
        const retry_after = response.headers.get('retry-after');
        throw new Refused(value, retry_after === null ? null : Number(retry_after));
      }
      throw new BulkheadError(
        'SIMULATE_ANSWER',
        `${path} was answered ${response.status} with something else`,
        {
          hint: 'is there a coordinator of this version at that address?',
        },
      );
    },
  };
  return wire;
}
