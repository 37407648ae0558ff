import { BulkheadError } from '../../../base/errors.ts';
import { LOOK_TIMEOUT_S } from '../limits.ts';
import type { HealingTarget, OpenedTarget } from '../target.ts';

/** A machine that is looked at from here, for one healing. It stays open for those who watch it. */
export function askedTarget(target: HealingTarget): OpenedTarget {
  return {
    ...{ name: target.name, platform: target.platform, looks: 'when_asked', look_timeout_s: LOOK_TIMEOUT_S },
    detect: (check_type, signal) => target.detect(check_type, signal),
    act: (action, params, signal) => target.act(action, params, signal),
    // The session ended with the process before; what it had started there ends with it or by itself.
    settled: async () => {},
    close: async () => {},
  };
}

/** Turns for those who work from here: so many at once, in the order in which they came. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(at_once: number) {
    this.#free = at_once;
  }

  /** The target once it is its turn; its `close` gives the turn on. @throws BulkheadError HEALING_STOPPED */
  async take(target: OpenedTarget, stopped: AbortSignal): Promise<OpenedTarget> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let given = false;
    const give = () => {
      if (given) return;
      given = true;
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    };
    if (stopped.aborted) {
      give();
      throw new BulkheadError('HEALING_STOPPED', 'the service is being stopped');
    }
    return {
      ...target,
      close: async () => {
        give();
        await target.close();
      },
    };
  }
}
