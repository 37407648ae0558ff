import { BulkheadError, describeError } from '../../base/errors.ts';
import { createSleeper } from '../../base/sleeper.ts';
import type { Link } from '../link/link.ts';

export interface SiteRounds {
  link: Pick<Link, 'coordinatorKeys'>;
  /** Between two rounds. */
  pause_ms: number;
  /**
   * One round. Whatever it throws is told, and the next one comes all the same.
   *
   * @param sleep a pause that ends with the rounds
   */
  round(stopping: AbortSignal, sleep: (for_ms: number) => Promise<void>): Promise<void>;
  /** What did not happen when a round failed, for the warning. */
  failed: string;
  warn: (message: string) => void;
}

/**
 * Carries something between the service of the site, which has no device key, and the coordinator, again and again: as long as this
 * appliance is let in, and the service runs.
 */
export function startSiteRounds({ link, pause_ms, round, failed, warn }: SiteRounds): {
  stop(): Promise<void>;
} {
  const stopping = new AbortController();
  const { sleep, wake } = createSleeper();
  const work = (async () => {
    while (!stopping.signal.aborted) {
      try {
        if (link.coordinatorKeys().length > 0) await round(stopping.signal, sleep);
      } catch (error) {
        // A service that does not run is told of by its unit.
        const silent = error instanceof BulkheadError && error.code === 'SITE_NOT_RUNNING';
        if (!silent) warn(`${failed}: ${describeError(error)}`);
      }
      if (!stopping.signal.aborted) await sleep(pause_ms);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      wake();
      await work;
    },
  };
}
