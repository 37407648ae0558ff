import { describeError } from '../../base/errors.ts';
import type { UpdateProgress } from '../../updater/state/records.ts';
import { PROGRESS_INTERVAL_MS } from './limits.ts';
import type { UpdateTools } from './update-tools.ts';

/**
 * Shows a running update to everyone. Nothing of the update depends on it: where the file cannot be written (a full /run),
 * that is told once and the update goes on.
 */
export class ProgressPublisher {
  #written_ms = Number.NEGATIVE_INFINITY;
  #warned = false;

  constructor(
    private readonly tools: Pick<UpdateTools, 'slots' | 'progress'>,
    private readonly watcher: {
      onProgress(progress: UpdateProgress): void;
      onWarning(message: string): void;
    },
  ) {}

  publish(progress: UpdateProgress): void {
    this.#written_ms = this.tools.slots.now().getTime();
    this.#attempt(() => this.tools.progress.write(progress));
    this.watcher.onProgress(progress);
  }

  /** Unless something was published a moment ago. */
  publishSometimes(progress: UpdateProgress): void {
    const now_ms = this.tools.slots.now().getTime();
    if (Math.abs(now_ms - this.#written_ms) >= PROGRESS_INTERVAL_MS) this.publish(progress);
  }

  /** There is nothing to show any more. */
  retract(): void {
    this.#attempt(() => this.tools.progress.remove());
  }

  #attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      if (!this.#warned) this.watcher.onWarning(describeError(error));
      this.#warned = true;
    }
  }
}
