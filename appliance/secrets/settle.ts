import { statSync } from 'node:fs';
import { SETTLE_MS, SETTLE_ROUNDS_MAX } from './limits.ts';

/** Looks at files whose writer may still be at it. */
export interface SettleTools {
  /** The files as they are named now. */
  files: () => readonly string[];
  now_ms: () => number;
  sleep: (duration_ms: number) => Promise<unknown>;
}

/**
 * Does the work on files that nobody has written to for a moment, and does it again when they were changed meanwhile: a path unit does not
 * hear of a change while the service it started still runs, and a copy over the network is not done in one step.
 */
export async function onSettledFiles<T>(work: () => Promise<T>, tools: SettleTools): Promise<T> {
  let result: T | undefined;
  let done = '';
  for (let round = 0; round < SETTLE_ROUNDS_MAX; round += 1) {
    const files = tools.files();
    const age_ms = tools.now_ms() - Math.max(0, ...files.map((file) => stampOf(file)?.mtimeMs ?? 0));
    // Times ahead of the clock say nothing: it may have been set back.
    if (age_ms >= 0 && age_ms < SETTLE_MS) {
      await tools.sleep(SETTLE_MS - age_ms);
      continue;
    }
    const before = stamps(files);
    if (result !== undefined && before === done) return result;
    result = await work();
    done = before;
  }
  return result ?? (await work());
}

function stampOf(file: string) {
  return statSync(file, { throwIfNoEntry: false });
}

function stamps(files: readonly string[]): string {
  return files
    .map((file) => {
      const stat = stampOf(file);
      return `${file} ${stat?.ino} ${stat?.mtimeMs} ${stat?.size}`;
    })
    .join('\n');
}
