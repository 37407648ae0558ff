import { BulkheadError } from '../../base/errors.ts';
import { SAME_PRESS_MS } from './limits.ts';

/**
 * Ctrl-C as something to wait for. The first press asks for an orderly end, a later one for an end at once.
 */
export class Interrupt {
  /** Settles at the first press. */
  readonly asked: Promise<void>;
  /** Settles at the second. */
  readonly insisted: Promise<void>;
  private first_ms: number | undefined;

  constructor(events: Pick<NodeJS.Process, 'on'>, clock_ms: () => number = Date.now) {
    const asked = Promise.withResolvers<void>();
    const insisted = Promise.withResolvers<void>();
    this.asked = asked.promise;
    this.insisted = insisted.promise;
    const press = () => {
      const now_ms = clock_ms();
      if (this.first_ms === undefined) this.first_ms = now_ms;
      else if (now_ms - this.first_ms >= SAME_PRESS_MS) insisted.resolve();
      asked.resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) events.on(signal, press);
  }

  get pressed(): boolean {
    return this.first_ms !== undefined;
  }

  /**
   * Waits for work unless Ctrl-C comes first.
   *
   * @throws BulkheadError START_INTERRUPTED, and what the work throws
   */
  async orElse<Result>(work: Promise<Result>): Promise<Result> {
    const interrupted = this.asked.then((): never => {
      throw new BulkheadError('START_INTERRUPTED', 'interrupted');
    });
    work.catch(() => {}); // When Ctrl-C wins, nobody hears of the work any more.
    return Promise.race([work, interrupted]);
  }
}
