import type { Logger } from '@logtape/logtape';
import { describeError } from '../../base/errors.ts';

/** Does something again and again, one time after the other, until it is stopped; a failure is logged and tried again. */
export function repeat(
  { log, what, interval_ms }: { log: Logger; what: string; interval_ms: number },
  act: () => Promise<unknown>,
): { stop(): Promise<void> } {
  let acting: Promise<void> | undefined;
  const once = async () => {
    try {
      await act();
    } catch (error) {
      log.error(`failed to ${what}`, { error: describeError(error) });
    }
    acting = undefined;
  };
  const timer = setInterval(() => {
    acting ??= once();
  }, interval_ms);
  return {
    async stop() {
      clearInterval(timer);
      await acting;
    },
  };
}
