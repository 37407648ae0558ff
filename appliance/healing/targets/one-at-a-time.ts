import type { WatchedTarget } from './watched-target.ts';

/**
 * The same machine, but whatever is asked of it waits for what was asked before: a look during an action would see half of it, and two
 * sessions at once run into the limits of the machine.
 */
export function oneAtATime(target: WatchedTarget): WatchedTarget {
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
    const tired = Promise.withResolvers<never>();
    const giveUp = () => tired.reject(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    const turn = last.then(() => {
      signal.throwIfAborted();
      // From here on the work itself heeds the signal, and closes what it has opened.
      signal.removeEventListener('abort', giveUp);
      return work();
    });
    // The next one waits for the end of this one, whatever the end is.
    last = turn.catch(() => undefined);
    return Promise.race([turn, tired.promise]);
  };
  return {
    name: target.name,
    platform: target.platform,
    detect: (check, signal) => inTurn(signal, () => target.detect(check, signal)),
    detectAll: (signal) => inTurn(signal, () => target.detectAll(signal)),
    act: (action, params, signal) => inTurn(signal, () => target.act(action, params, signal)),
    async close() {
      await target.close();
      await last;
    },
  };
}
