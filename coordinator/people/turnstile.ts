import { TooMany } from '../reports/rate-limit.ts';

/** Lets one at a time through. */
export type Turnstile = <T>(act: () => Promise<T>) => Promise<T>;

/**
 * One after the other, with only so many waiting. For what costs much and counts its failures: tried a thousand times at once, it
 * would fill the memory, and be through before the first failure is counted.
 */
export function createTurnstile(what: string, waiting_max: number): Turnstile {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return async (act) => {
    if (waiting >= waiting_max) throw new TooMany(what, 2);
    waiting += 1;
    const mine = last.then(act).finally(() => {
      waiting -= 1;
    });
    // Who comes next waits for the end, whatever it was.
    last = mine.catch(() => undefined);
    return await mine;
  };
}
