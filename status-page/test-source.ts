import type { Status } from './status.ts';
import type { StatusSource } from './status-source.ts';

/** A source whose status a test sets, pushes or breaks. */
export interface TestSource extends StatusSource {
  /** What `current` gives from now on. An Error is thrown. */
  answer: Status | Error;
  calls: number;
  listeners: Set<(status: Status) => void>;
  push(status: Status): void;
}

export function testSource(answer: Status | Error): TestSource {
  const source: TestSource = {
    answer,
    calls: 0,
    listeners: new Set(),
    async current() {
      source.calls += 1;
      if (source.answer instanceof Error) throw source.answer;
      return source.answer;
    },
    subscribe(listener) {
      source.listeners.add(listener);
      return () => source.listeners.delete(listener);
    },
    push(status) {
      source.answer = status;
      for (const listener of source.listeners) listener(status);
    },
  };
  return source;
}
