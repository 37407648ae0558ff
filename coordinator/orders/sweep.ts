import { describeError } from '../../base/errors.ts';
import type { Coordinator } from '../context.ts';
import { SWEEP_INTERVAL_MS, SWEEP_MAX } from '../limits.ts';
import { sweepOrders } from './results.ts';

/** Looks at deadlines of orders every few seconds, one look after the other. */
export function startSweep(
  coordinator: Coordinator,
  interval_ms = SWEEP_INTERVAL_MS,
): { stop(): Promise<void> } {
  let sweeping = Promise.resolve();
  const sweep = async () => {
    try {
      while ((await sweepOrders(coordinator)) === SWEEP_MAX);
    } catch (error) {
      coordinator.log.error('deadlines of orders could not be looked at', { error: describeError(error) });
    }
  };
  const timer = setInterval(() => {
    sweeping = sweeping.then(sweep);
  }, interval_ms);
  return {
    async stop() {
      clearInterval(timer);
      await sweeping;
    },
  };
}
