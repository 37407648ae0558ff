/** Timers run their delay in 32 bits and end at once beyond. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Time as the parts that wait see it, handed in so that tests need not wait. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back, so setting the system's time does no harm. */
  now_ms(): number;
  /** Rejects with the signal's reason as soon as it is aborted. */
  sleep(delay_ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now_ms: () => performance.now(),
  sleep: (delay_ms, signal) =>
    new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(
        () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
        Math.min(delay_ms, TIMER_MAX_MS),
      );
      if (signal.aborted) leave();
      else signal.addEventListener('abort', leave, { once: true });
    }),
};
