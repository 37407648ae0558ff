/** A pause that somebody may end early. */
export interface Sleeper {
  /** Resolves when the time is over, or when it is woken. One at a time. */
  sleep(for_ms: number): Promise<void>;
  wake(): void;
}

export function createSleeper(): Sleeper {
  let wake = () => {};
  return {
    sleep: (for_ms) =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, for_ms);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
    wake: () => wake(),
  };
}
