import { type Check, type CheckContext, failed, passed } from '../check.ts';
import { AGENT_ANSWER_MAX_BYTES, AGENT_REQUEST_TIMEOUT_MS, RETRY_PAUSE_MS } from '../limits.ts';
import { readBounded, untilPassed } from '../patience.ts';

/** The agent is up and its page answers. Judged from outside its process: a dead agent cannot vouch for itself. */
export const agentAnswers: Check = {
  name: 'agent-answers',
  decisive: true,
  timeout_ms: (context) => context.patience_ms + AGENT_REQUEST_TIMEOUT_MS + RETRY_PAUSE_MS,
  find: (context, signal) => untilPassed(context.patience_ms, signal, () => askOnce(context, signal)),
};

async function askOnce(context: CheckContext, signal: AbortSignal) {
  const { agentUrl } = context;
  try {
    const response = await context.fetch(agentUrl, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(AGENT_REQUEST_TIMEOUT_MS)]),
    });
    await readBounded(response, AGENT_ANSWER_MAX_BYTES);
    return response.status === 200
      ? passed(`${agentUrl} answers 200`)
      : failed(`${agentUrl} answers ${response.status}`);
  } catch (error) {
    return failed(`${agentUrl} does not answer (${error instanceof Error ? error.message : String(error)})`);
  }
}
