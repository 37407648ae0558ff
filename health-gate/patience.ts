import type { Finding } from './check.ts';
import { RETRY_PAUSE_MS } from './limits.ts';

/** A finding that waiting may or may not change; `settled` says that it will not. */
export type Answer = Finding & { settled?: true };

/**
 * Asks until the answer is no longer a failure or the patience is used up; then the last answer stands, so that the
 * message says what was wrong and not merely that time ran out.
 */
export async function untilPassed(
  patience_ms: number,
  signal: AbortSignal,
  ask: () => Promise<Answer>,
): Promise<Finding> {
  const end_ms = performance.now() + patience_ms;
  let asked = 0;
  for (;;) {
    const finding = await ask();
    asked += 1;
    const pause_ms = Math.min(RETRY_PAUSE_MS, end_ms - performance.now());
    if (finding.outcome !== 'fail' || finding.settled) return finding;
    if (pause_ms <= 0 || signal.aborted) {
      return asked === 1 ? finding : { ...finding, message: `${finding.message}, asked ${asked} times` };
    }
    await Bun.sleep(pause_ms);
  }
}

/**
 * The body of an answer, at most `max_bytes` of it. The rest is cancelled, so that something endless at the other
 * end costs neither memory nor time.
 */
export async function readBounded(response: Response, max_bytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size_bytes = 0;
  const reader = response.body?.getReader();
  if (reader === undefined) return new Uint8Array();
  try {
    while (size_bytes < max_bytes) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      size_bytes += value.length;
    }
  } finally {
    await reader.cancel();
  }
  return Buffer.concat(chunks).subarray(0, max_bytes);
}
