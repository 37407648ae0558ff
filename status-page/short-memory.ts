/** One answer that is handed out for a while, whoever asks. */
export interface ShortMemory<T> {
  /** The answer, at most so old; one question at a time. Rejects as the question did, and remembers that, too. */
  ask(): Promise<T>;
  /** What is known is not true any more: the next one asks anew. */
  forget(): void;
}

/** @param fresh_ms how long an answer counts, from when it came @param now_ms milliseconds that never go back */
export function shortMemory<T>(
  question: () => Promise<T>,
  fresh_ms: number,
  now_ms: () => number,
): ShortMemory<T> {
  let last: { at_ms: number; answer: Promise<T> } | null = null;
  return {
    ask() {
      if (last === null || now_ms() - last.at_ms >= fresh_ms) {
        // A question that takes longer than the memory lasts is not asked a second time beside the first.
        const asked = { at_ms: Number.POSITIVE_INFINITY, answer: question() };
        const done = () => {
          asked.at_ms = now_ms();
        };
        asked.answer.then(done, done);
        last = asked;
      }
      return last.answer;
    },
    forget() {
      last = null;
    },
  };
}
