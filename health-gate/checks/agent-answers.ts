import { describeError } from '../../base/errors.ts';
import { type Check, type CheckContext, failed, passed } from '../check.ts';
import { AGENT_ANSWER_MAX_BYTES, AGENT_REQUEST_TIMEOUT_MS, RETRY_PAUSE_MS } from '../limits.ts';
import { readBounded, untilPassed } from '../patience.ts';

/** The agent is up and its server answers. Judged from outside its process: a dead agent cannot vouch for itself. */
export const agentAnswers: Check = {
  name: 'agent-answers',
  decisive: true,
  timeout_ms: (context) => context.patience_ms + AGENT_REQUEST_TIMEOUT_MS + RETRY_PAUSE_MS,
  find: (context, signal) => untilPassed(context.patience_ms, signal, () => askOnce(context, signal)),
};

async function askOnce(context: CheckContext, signal: AbortSignal) {
  const url = `${context.agentUrl}/healthz`;
  try {
    const response = await context.fetch(url, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(AGENT_REQUEST_TIMEOUT_MS)]),
    });
    await readBounded(response, AGENT_ANSWER_MAX_BYTES);
    return response.status === 200
      ? passed(`${url} answers 200`)
      : failed(`${url} answers ${response.status}`);
  } catch (error) {
    return failed(`${url} does not answer (${describeError(error)})`);
  }
}
