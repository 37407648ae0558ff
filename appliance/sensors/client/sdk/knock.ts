/** Somebody knocks, somebody else waits for it; a knock that nobody waited for is not lost. */
export class Knock {
  #knocked = false;
  #open: (() => void) | null = null;

  knock(): void {
    this.#knocked = true;
    this.#open?.();
  }

  /** Resolves at the next knock, or at once when there was one since the last. */
  async next(): Promise<void> {
    if (!this.#knocked)
      await new Promise<void>((resolve) => {
        this.#open = resolve;
      });
    this.#open = null;
    this.#knocked = false;
  }
}

/** Resolves when a signal is given. */
export function once(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
