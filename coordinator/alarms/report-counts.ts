import type { Coordinator } from '../context.ts';
import type { Database } from '../database/tables.ts';
import type { AlarmFacts } from './facts.ts';
import { COUNTS_KEPT_MS, REFUSALS_WITHIN_MS } from './limits.ts';

const MINUTE_MS = 60_000;

/** Under this name requests are counted that were taken. */
const TAKEN = 'TAKEN';

/** Refusals that say that somebody is not who he claims, or that what he sent is not what he signed. */
const VERIFICATION = /^(SIGNATURE_|AGENT_KEY_|AGENT_REPLAY$|ROTATION_PROOF_)/;

/** What this process has counted since the last time, added to what all of them have counted together. */
export interface ReportCounts {
  write(): Promise<void>;
}

/** @param process a name that no other coordinator has */
export function countReports(coordinator: Coordinator, process: string): ReportCounts {
  const { database, metrics, now_ms } = coordinator;
  let written = new Map<string, number>();
  return {
    async write() {
      const counted = await metrics.reportTotals();
      const totals = new Map([[TAKEN, counted.taken], ...counted.refused]);
      const minute_ms = Math.floor(now_ms() / MINUTE_MS) * MINUTE_MS;
      for (const [code, total] of totals) {
        const count = total - (written.get(code) ?? 0);
        if (count <= 0) continue;
        await database
          .insertInto('report_counts')
          .values({ minute_ms, process, code, count })
          .onConflict((conflict) =>
            conflict
              .columns(['minute_ms', 'process', 'code'])
              .doUpdateSet((set) => ({ count: set('report_counts.count', '+', count) })),
          )
          .execute();
      }
      written = totals;
    },
  };
}

/** Requests of the last minutes, at all coordinators together. */
export async function recentReports(database: Database, at_ms: number): Promise<AlarmFacts['reports']> {
  const rows = await database
    .selectFrom('report_counts')
    .select((select) => ['code', select.fn.sum<number>('count').as('count')])
    .where('minute_ms', '>', at_ms - REFUSALS_WITHIN_MS - MINUTE_MS)
    .groupBy('code')
    .execute();
  const refused = new Map<string, number>();
  let taken = 0;
  for (const { code, count } of rows)
    if (code === TAKEN) taken += Number(count);
    else if (VERIFICATION.test(code)) refused.set(code, Number(count));
  return { taken, refused };
}

/** Counts that nobody looks at any more. */
export async function forgetCounts({ database, now_ms }: Coordinator): Promise<void> {
  await database
    .deleteFrom('report_counts')
    .where('minute_ms', '<', now_ms() - COUNTS_KEPT_MS)
    .execute();
}
