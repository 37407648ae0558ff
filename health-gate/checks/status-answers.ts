import { describeError } from '../../base/errors.ts';
import { type CheckContext, failed, passed } from '../check.ts';
import { AGENT_REQUEST_TIMEOUT_MS, STATUS_ANSWER_MAX_BYTES } from '../limits.ts';
import { readBounded } from '../patience.ts';
import { trialCheck } from './trial-check.ts';

/**
 * A new release can say how it is: the status is there, has the form that people and programs rely on, and names the
 * version that runs. `agent-answers` asks for a constant, which is right on every boot after; a release whose facts are
 * broken would pass it and be blind from then on. What the status says of the appliance's health is not looked at: it
 * is judged here.
 */
export const statusAnswers = trialCheck('status-answers', askOnce);

async function askOnce(context: CheckContext, signal: AbortSignal) {
  const url = `${context.agentUrl}/api/v1/status`;
  try {
    const response = await context.fetch(url, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(AGENT_REQUEST_TIMEOUT_MS)]),
    });
    const body = await readBounded(response, STATUS_ANSWER_MAX_BYTES);
    if (response.status !== 200) return failed(`${url} answers ${response.status}`);
    const status = context.readStatus(JSON.parse(Buffer.from(body).toString('utf8')));
    if ('problem' in status) return failed(`${url} does not answer with a status: ${status.problem}`);
    if (status.version !== context.version)
      return failed(`${url} says that ${status.version} runs, and the image is ${context.version}`);
    return passed(`${url} answers, and says that ${status.version} runs`);
  } catch (error) {
    return failed(`${url} gives no status (${describeError(error)})`);
  }
}
