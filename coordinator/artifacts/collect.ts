import type { Coordinator } from '../context.ts';
import { UNCLAIMED_MS } from './limits.ts';

/**
 * Takes away uploads that nobody goes on with, and files that belong to no release. First the record, then the file: what is on
 * record is there.
 */
export async function collectArtifacts({ artifacts, database, doWork, now_ms }: Coordinator): Promise<void> {
  const before_ms = now_ms() - UNCLAIMED_MS;
  for (const upload of await artifacts.uploads())
    if (upload.changed_ms <= before_ms) await artifacts.discard(upload);
  await doWork(async (work) => {
    await work
      .deleteFrom('artifacts')
      .where('created_ms', '<=', before_ms)
      .where('sha256', 'not in', work.selectFrom('release_files').select('sha256'))
      .execute();
  });
  const known = new Set(
    (await database.selectFrom('artifacts').select('sha256').execute()).map(({ sha256 }) => sha256),
  );
  // A file is put in its place a moment before its record is written: a young one is left alone.
  for (const { sha256, changed_ms } of await artifacts.list())
    if (changed_ms <= before_ms && !known.has(sha256)) await artifacts.remove(sha256);
}
