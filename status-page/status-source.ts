import type { BulkheadError } from '../base/errors.ts';
import { SOURCE_OPEN_CALLS_MAX, SOURCE_TIMEOUT_MS, STATUS_FRESH_MS } from './limits.ts';
import { asProblem, sourceTooSlow } from './problem.ts';
import type { Status } from './status.ts';
import { admitStatus } from './status-check.ts';

/** Where the status comes from. The agent provides it; an example does in tests. */
export interface StatusSource {
  /** Looks now. May fail; the page then says so. */
  current(): Promise<Status>;
  /** Tells every change as it happens. Returns what ends the subscription. */
  subscribe(listener: (status: Status) => void): () => void;
}

export interface StatusReader {
  /**
   * The status, at most STATUS_FRESH_MS old; any number of callers share one look.
   *
   * @throws BulkheadError STATUS_SOURCE_FAILED, STATUS_SOURCE_TIMEOUT, STATUS_INVALID
   */
  read(): Promise<Status>;
  /** Ends the subscription to the source. */
  close(): void;
}

export interface StatusReaderOptions {
  source: StatusSource;
  /** Milliseconds that never go back. */
  now_ms?: () => number;
  timeout_ms?: number;
  /** Called with every status that the source pushed and that passed the schema. */
  onChange?: (status: Status) => void;
  /** Called with what went wrong, causes included, for the log. Readers get a sentence without causes. */
  onProblem?: (problem: BulkheadError) => void;
}

type Outcome = { status: Status } | { problem: BulkheadError };

/** Puts a short memory, a deadline and the schema between the source and everything that shows it. */
export function createStatusReader(options: StatusReaderOptions): StatusReader {
  const now_ms = options.now_ms ?? (() => performance.now());
  const timeout_ms = options.timeout_ms ?? SOURCE_TIMEOUT_MS;
  const report = options.onProblem ?? (() => {});
  let last: { outcome: Outcome; at_ms: number } | null = null;
  let looking: Promise<Outcome> | null = null;
  let openCalls = 0;
  let pushes = 0;

  const keep = (outcome: Outcome): Outcome => {
    if ('problem' in outcome) report(outcome.problem);
    last = { outcome, at_ms: now_ms() };
    return outcome;
  };

  const ask = async (): Promise<unknown> => {
    if (openCalls >= SOURCE_OPEN_CALLS_MAX) throw sourceTooSlow(timeout_ms);
    openCalls += 1;
    try {
      return await options.source.current();
    } finally {
      openCalls -= 1;
    }
  };

  const look = async (): Promise<Outcome> => {
    const pushesBefore = pushes;
    const outcome = await withDeadline(ask(), timeout_ms).then(admitted, (error: unknown) => ({
      problem: asProblem(error),
    }));
    // What was pushed while we looked is newer than what we asked for.
    if (pushes !== pushesBefore && last) return last.outcome;
    return keep(outcome);
  };

  const unsubscribe = options.source.subscribe((pushed) => {
    pushes += 1;
    const outcome = keep(admitted(pushed));
    if ('status' in outcome) options.onChange?.(outcome.status);
  });

  return {
    async read() {
      if (last && now_ms() - last.at_ms < STATUS_FRESH_MS) return unwrap(last.outcome);
      looking ??= look().finally(() => {
        looking = null;
      });
      return unwrap(await looking);
    },
    close: unsubscribe,
  };
}

function unwrap(outcome: Outcome): Status {
  if ('problem' in outcome) throw outcome.problem;
  return outcome.status;
}

function admitted(candidate: unknown): Outcome {
  try {
    return { status: admitStatus(candidate) };
  } catch (error) {
    return { problem: asProblem(error) };
  }
}

function withDeadline<T>(work: Promise<T>, timeout_ms: number): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(sourceTooSlow(timeout_ms)), timeout_ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
