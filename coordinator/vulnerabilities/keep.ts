import { recordDeed } from '../audit/log.ts';
import type { Coordinator } from '../context.ts';
import type { Database } from '../database/tables.ts';
import { findRelease } from '../releases/read.ts';
import type { VulnerabilityReport } from './report.ts';

/** A comparison that is on record. */
export interface KeptReport extends VulnerabilityReport {
  compared_ms: number;
  compared_by: string;
}

/** Keeps what came of the newest comparison, in place of the one before. @throws BulkheadError RELEASE_UNKNOWN */
export async function keepReport(
  coordinator: Coordinator,
  actor: string,
  release_id: string,
  report: VulnerabilityReport,
): Promise<void> {
  const now_ms = coordinator.now_ms();
  const row = { compared_ms: now_ms, compared_by: actor, report: JSON.stringify(report) };
  await coordinator.doWork(async (work) => {
    const { version } = await findRelease(work, release_id);
    await work
      .insertInto('release_vulnerabilities')
      .values({ release_id, ...row })
      .onConflict((conflict) => conflict.column('release_id').doUpdateSet(row))
      .execute();
    const { feed, counts, parts } = report;
    await recordDeed(work, now_ms, {
      ...{ actor, action: 'release.scan', subject: `release:${release_id}` },
      details: { version, feed: feed.kind, feed_sha256: feed.sha256, parts, ...counts },
    });
  });
}

/** Null: it was compared with none. */
export async function readReport(database: Database, release_id: string): Promise<KeptReport | null> {
  const row = await database
    .selectFrom('release_vulnerabilities')
    .selectAll()
    .where('release_id', '=', release_id)
    .executeTakeFirst();
  if (!row) return null;
  const { compared_ms, compared_by } = row;
  return { ...(JSON.parse(row.report) as VulnerabilityReport), compared_ms, compared_by };
}
