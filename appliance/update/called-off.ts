/** Tells when whoever started a command wants no more of it. */
export interface CalledOff {
  signal: AbortSignal;
  /** Signals do again what they do by default. */
  end(): void;
}

/**
 * SIGINT or SIGTERM calls it off. SIGTERM may come again, timeout(1) sends it to the process and then to its group, and must not cut the orderly
 * end short; a second SIGINT does, as who presses Ctrl-C twice expects.
 */
export function calledOffBySignals(): CalledOff {
  const controller = new AbortController();
  const callOff = () => controller.abort();
  process.once('SIGINT', callOff);
  process.on('SIGTERM', callOff);
  return {
    signal: controller.signal,
    end() {
      process.off('SIGINT', callOff);
      process.off('SIGTERM', callOff);
    },
  };
}
