import { type Check, type CheckContext, type Finding, failed, passed, skipped } from '../check.ts';
import { AGENT_REQUEST_TIMEOUT_MS, RETRY_PAUSE_MS } from '../limits.ts';
import { untilPassed } from '../patience.ts';

/**
 * A new release looks after its site: the service of sensors, healing and evidence runs and answers. It opens its ports before it answers,
 * so what answers listens. Where its place on the data partition could not be mounted it cannot run in any slot: no update is lost to that.
 */
export const siteAnswers: Check = {
  name: 'site-answers',
  decisive: true,
  timeout_ms: (context) => context.patience_ms + AGENT_REQUEST_TIMEOUT_MS + RETRY_PAUSE_MS,
  find: async (context, signal) =>
    context.trial
      ? untilPassed(context.patience_ms, signal, () => askOnce(context, signal))
      : skipped('asked of a slot on trial'),
};

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
