import { BulkheadError } from '../../../base/errors.ts';
import type { ByteSource } from '../../source.ts';
import type { Clock } from '../clock.ts';

/** A clock that does not wait: sleeping moves it on. */
export class SteppingClock implements Clock {
  /** Every delay that was slept, in order. */
  readonly slept_ms: number[] = [];
  #now_ms = 1_000_000;

  now_ms(): number {
    return this.#now_ms;
  }

  pass(time_ms: number): void {
    this.#now_ms += time_ms;
  }

  async sleep(delay_ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.slept_ms.push(delay_ms);
    this.#now_ms += delay_ms;
  }
}

/** Bytes that differ at every place nearby, so that a part in the wrong place shows. */
export function sampleFile(size_bytes: number): Uint8Array<ArrayBuffer> {
  const file = new Uint8Array(size_bytes);
  for (let at = 0; at < size_bytes; at += 1) file[at] = (at * 31 + (at >> 8) * 7 + (at >> 16)) & 0xff;
  return file;
}

/** Quicker than a matcher that looks for the difference. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/** Everything a source yields for a range, however much that is. */
export async function collect(
  source: ByteSource,
  start_bytes: number,
  end_bytes: number,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of source.read(start_bytes, end_bytes)) parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}

/** Code of what a promise is rejected with; fails the test when it is not ours, or when there is none. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof BulkheadError) return error.code;
  throw new Error('expected a BulkheadError', { cause: error });
}

/** Returns when the condition holds; fails after two seconds. */
export async function eventually(condition: () => boolean): Promise<void> {
  const end_ms = performance.now() + 2_000;
  while (!condition()) {
    if (performance.now() > end_ms) throw new Error('it did not happen within two seconds');
    await new Promise((done) => setTimeout(done, 5));
  }
}
