import type { Run } from '../../base/run.ts';

export interface BuildOptions {
  /** Top of the checkout. */
  source: string;
  /** Scratch space and caches. */
  build: string;
  /** Where finished files go. */
  dist: string;
  /** Version of the image; the program's own unless a test builds another. */
  version?: string;
  /** Leave Debian's non-free firmware out. */
  firmware: boolean;
  /** Key sets that the image trusts, as `bulkhead bundle keyset` writes them. */
  keysetFile: string;
  run: Run;
  /** Told when a step starts and when it ends (`seconds` set). */
  progress: (step: string, detail: string, seconds?: number) => void;
}

/** Runs one step and tells its start, its end and how long it took. */
export async function step<T>(
  options: Pick<BuildOptions, 'progress'>,
  name: string,
  detail: string,
  work: () => Promise<T>,
): Promise<T> {
  const start = performance.now();
  options.progress(name, detail);
  const result = await work();
  options.progress(
    name,
    typeof result === 'string' && result.length < 40 ? result : detail,
    (performance.now() - start) / 1000,
  );
  return result;
}
