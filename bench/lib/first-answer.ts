import { BulkheadError } from '../../base/errors.ts';
import { ASK_INTERVAL_MS, ASK_TIMEOUT_MS } from './limits.ts';

/**
 * Asks for a page in overlapping requests until one is answered with 200, and says when that answer was complete.
 *
 * @param now_ms the clock to report by, in milliseconds since power-on
 * @param alive false ends the wait: the machine is gone
 * @throws BulkheadError BENCH_NO_PAGE after `timeout_ms`, or when the machine is gone
 */
export async function firstAnswer(
  url: string,
  now_ms: () => number,
  alive: () => boolean,
  timeout_ms: number,
): Promise<number> {
  const ended = new AbortController();
  const found = Promise.withResolvers<number>();
  const ask = async () => {
    const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(ASK_TIMEOUT_MS)]);
    const answer = await fetch(url, { signal, keepalive: false, redirect: 'manual' });
    await answer.text();
    if (answer.status === 200) found.resolve(now_ms());
  };
  const timer = setInterval(() => {
    if (!alive())
      found.reject(
        new BulkheadError(
          'BENCH_NO_PAGE',
          `the machine went off after ${now_ms()} ms, before ${url} answered`,
        ),
      );
    else if (now_ms() > timeout_ms)
      found.reject(
        new BulkheadError('BENCH_NO_PAGE', `${url} did not answer with 200 within ${timeout_ms} ms`),
      );
    // Refused, cut off or given up: that is what too early looks like, and the next question follows.
    else ask().catch(() => {});
  }, ASK_INTERVAL_MS);
  try {
    return await found.promise;
  } finally {
    clearInterval(timer);
    ended.abort();
  }
}
