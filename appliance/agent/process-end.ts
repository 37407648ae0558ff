import { describeError } from '../../base/errors.ts';
import type { startLog } from '../../base/log.ts';

/** The signal that asks a service to end. */
export function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}

/** A promise nobody waited for has failed: the state is unknown, and systemd starts a fresh process within a second. */
export function endOnUnhandled(log: ReturnType<typeof startLog>): void {
  const end = (error: unknown) => {
    log.fatal`ends after an error nobody handled: ${describeError(error)}`;
    process.exit(1);
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
}
