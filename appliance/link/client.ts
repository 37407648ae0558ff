import { Value } from '@sinclair/typebox/value';
import { describeError } from '../../base/errors.ts';
import { type RequestSigner, signRequest } from '../../protocol/http-signature/sign.ts';
import { AgentProblem } from '../../protocol/messages/answers.ts';
import { retryAfter_ms } from '../../updater/fetch/backoff.ts';
import type { CoordinatorClock } from './coordinator-clock.ts';
import { ANSWER_MAX_BYTES, REQUEST_TIMEOUT_MS } from './limits.ts';
import type { Sequence } from './sequence.ts';

/** What became of a request. */
export type Reply =
  /** Taken: 200, or 202. `body` is JSON of whatever form. */
  | { kind: 'answer'; status: number; body: unknown }
  /** Refused. `code` is the coordinator's, or null when somebody else answered (a proxy, a portal). */
  | {
      kind: 'refusal';
      status: number;
      code: string | null;
      message: string;
      last_sequence: number | null;
      retry_after_ms: number;
    }
  /** Nothing that could be read came back; whether it was taken is not known. */
  | { kind: 'silence'; message: string };

export interface ClientOptions {
  /** Base address of the coordinator; https only. */
  url: URL;
  /** Authorities instead of those that the program knows, in PEM. */
  ca_pem: string | null;
  signer: RequestSigner;
  sequence: Sequence;
  clock: CoordinatorClock;
  /** Milliseconds that never jump. */
  steady_ms: () => number;
  /** Ends what is under way. */
  signal: AbortSignal;
}

export interface Client {
  /**
   * One signed request, with a deadline. Never rejects. The coordinator's time and the sequence that it has seen are taken from
   * whatever it answers.
   *
   * @param path below the base address @param body JSON @param signer instead of the device's own key
   */
  post(path: string, body: string, signer?: RequestSigner): Promise<Reply>;
}

export function createClient(options: ClientOptions): Client {
  const { clock, sequence, steady_ms } = options;
  const send = async (
    path: string,
    body: string,
    signer: RequestSigner,
    signal: AbortSignal,
  ): Promise<Reply> => {
    const url = new URL(`${options.url.origin}${options.url.pathname.replace(/\/$/, '')}${path}`);
    const bytes = new TextEncoder().encode(body);
    const created_s = Math.floor(clock.now_ms() / 1000);
    const fields = signRequest({ method: 'POST', url, body: bytes }, signer, {
      sequence: sequence.next(),
      created_s,
    });
    const sent_ms = steady_ms();
    const response = await fetch(url.href, {
      method: 'POST',
      headers: { ...fields, 'content-type': 'application/json' },
      body: bytes,
      signal,
      // Signed for one address: what sends it elsewhere is a portal, or somebody who collects requests.
      redirect: 'manual',
      // Said out loud, because an environment variable can turn the default off.
      tls: { rejectUnauthorized: true, ...(options.ca_pem === null ? {} : { ca: options.ca_pem }) },
    });
    const answered = parseJson(await readBounded(response));
    const reply = readReply(response, answered);
    const server_time_ms = serverTimeOf(answered);
    if (server_time_ms !== null) clock.heard(server_time_ms, sent_ms, steady_ms());
    if (reply.kind === 'refusal' && reply.last_sequence !== null) sequence.above(reply.last_sequence);
    return reply;
  };
  return {
    async post(path, body, signer = options.signer) {
      if (options.url.protocol !== 'https:') return silence('the configured address is no https URL');
      const deadline = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
      try {
        return await send(path, body, signer, AbortSignal.any([deadline, options.signal]));
      } catch (error) {
        if (deadline.aborted) return silence(`no answer within ${REQUEST_TIMEOUT_MS / 1000} s`);
        return silence(describeError(error));
      }
    },
  };
}

const silence = (message: string): Reply => ({ kind: 'silence', message });

function readReply(response: Response, body: unknown): Reply {
  const { status } = response;
  if (status === 200 || status === 202)
    return body === undefined
      ? silence(`answers ${status} without JSON; a captive portal?`)
      : { kind: 'answer', status, body };
  const refusal = {
    ...({ kind: 'refusal', status, code: null, last_sequence: null } as const),
    retry_after_ms: retryAfter_ms(Object.fromEntries(response.headers)),
  };
  if (Value.Check(AgentProblem, body)) {
    const { code, message } = body.error;
    return { ...refusal, code, message: `${code}: ${message}`, last_sequence: body.last_sequence ?? null };
  }
  const redirected = status >= 300 && status < 400;
  return { ...refusal, message: `answers ${status}${redirected ? ', a redirect; a captive portal?' : ''}` };
}

function serverTimeOf(body: unknown): number | null {
  const time: unknown =
    typeof body === 'object' && body !== null && 'server_time_ms' in body ? body.server_time_ms : null;
  return typeof time === 'number' && Number.isSafeInteger(time) && time >= 0 ? time : null;
}

/** Undefined when it is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @throws when it is longer than any answer of a coordinator */
async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size_bytes = 0;
  for await (const chunk of response.body ?? []) {
    size_bytes += chunk.length;
    if (size_bytes > ANSWER_MAX_BYTES) throw new Error(`the answer is longer than ${ANSWER_MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
