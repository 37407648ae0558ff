import { type CheckContext, type Finding, failed, passed, skipped } from '../check.ts';
import { AGENT_REQUEST_TIMEOUT_MS } from '../limits.ts';
import { trialCheck } from './trial-check.ts';

/**
 * A new release looks after its site: the service of sensors, healing and evidence runs and answers. It opens its ports before it answers,
 * so what answers listens. Where its place on the data partition could not be mounted it cannot run in any slot: no update is lost to that.
 */
export const siteAnswers = trialCheck('site-answers', askOnce);

async function askOnce(context: CheckContext, signal: AbortSignal): Promise<Finding> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(AGENT_REQUEST_TIMEOUT_MS)]);
  const reading = await context.askSite(limit);
  switch (reading.state) {
    case 'answers':
      return passed('the service of the site answers');
    case 'silent':
      return failed(`the service of the site does not answer: ${reading.reason}`);
    case 'absent':
      return skipped(reading.reason);
  }
}
