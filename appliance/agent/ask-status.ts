import { Value } from '@sinclair/typebox/value';
import { BulkheadError } from '../../base/errors.ts';
import { Status } from '../../status-page/status.ts';
import { ANSWER_MAX_BYTES, ASK_TIMEOUT_MS } from './limits.ts';
import '../../health-gate/verdict-schema.ts';

/**
 * The status as the running agent tells it, so that the command line and the page cannot differ.
 *
 * @param base URL of the page, `http://localhost`
 * @throws BulkheadError AGENT_URL_INVALID, AGENT_DOWN (nobody answers), AGENT_ANSWER (something else answers)
 */
export async function askStatus(base: string): Promise<Status> {
  const url = URL.parse(base);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new BulkheadError('AGENT_URL_INVALID', `'${base}' is not a URL`, {
      hint: 'such as http://localhost:8080',
    });
  }
  const target = new URL('/api/v1/status', url);
  let response: Response;
  let text: string;
  try {
    response = await fetch(target, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS), redirect: 'manual' });
    text = await readBounded(response);
  } catch (cause) {
    throw new BulkheadError('AGENT_DOWN', `the agent does not answer at ${target.origin}`, {
      hint: "is it running? 'systemctl status compliance-agent'; on another port: --url http://localhost:8080",
      cause,
    });
  }
  const answer = parseJson(text);
  if (response.status !== 200) {
    throw new BulkheadError('AGENT_ANSWER', `${target} answers ${response.status}${problemWords(answer)}`, {
      hint: "'journalctl -u compliance-agent' tells why",
    });
  }
  if (!Value.Check(Status, answer)) {
    const first = Value.Errors(Status, answer).First();
    throw new BulkheadError(
      'AGENT_ANSWER',
      `what answers at ${target} is not a status (at ${first?.path || '/'})`,
      {
        hint: 'is it another program, or another version of the agent?',
      },
    );
  }
  return answer;
}

/** 0 healthy, 1 unhealthy, 2 not judged yet: the exit status of `bulkhead status`. */
export function exitCodeOf(status: Status): 0 | 1 | 2 {
  return ({ healthy: 0, unhealthy: 1, pending: 2 } as const)[status.health.outcome];
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size_bytes = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    size_bytes += chunk.length;
    if (size_bytes > ANSWER_MAX_BYTES) throw new Error(`the answer is longer than ${ANSWER_MAX_BYTES} bytes`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The agent's own explanation (a Problem of status-page/problem.ts), if that is what it is. */
function problemWords(answer: unknown): string {
  const error = answer !== null && typeof answer === 'object' && 'error' in answer ? answer.error : null;
  const message = error !== null && typeof error === 'object' && 'message' in error ? error.message : null;
  return typeof message === 'string' ? `: ${message}` : '';
}
