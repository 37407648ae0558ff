import { sql } from 'kysely';
import type { SiteReport } from '../../protocol/messages/site-report.ts';
import { type Coordinator, newId } from '../context.ts';
import type { SiteFindingRow, SiteHealingRow, SiteRow } from '../database/site-tables.ts';
import type { Work } from '../database/tables.ts';
import { type Claim, takeClaim } from '../reports/claim.ts';
import { DEVICE_FINDINGS_MAX, DEVICE_HEALINGS_MAX, ROWS_PER_STATEMENT } from './limits.ts';
import { planFindings } from './plan-findings.ts';

/**
 * What an appliance sees of its site: in place of what it said before. Findings that it does not name any more are closed; healings are added,
 * or go on.
 *
 * @throws BulkheadError AGENT_KEY_REVOKED, AGENT_REPLAY, DEVICE_PENDING
 */
export async function takeSiteReport(
  coordinator: Coordinator,
  claim: Claim,
  report: SiteReport,
): Promise<void> {
  const { device_id } = claim;
  const now_ms = coordinator.now_ms();
  const id = () => newId(coordinator);
  await coordinator.doWork(async (work) => {
    await takeClaim(work, claim, now_ms);
    const site = siteRow(report, now_ms);
    await work
      .insertInto('device_sites')
      .values({ device_id, ...site })
      .onConflict((conflict) => conflict.column('device_id').doUpdateSet(site))
      .execute();
    await keepFindings(work, { device_id, report, now_ms, id });
    await keepHealings(work, { device_id, report, now_ms, id });
  });
}

interface Told {
  device_id: string;
  report: SiteReport;
  now_ms: number;
  id: () => string;
}

function siteRow(report: SiteReport, received_ms: number): Omit<SiteRow, 'device_id'> {
  const { sensors, findings, healings, healing, observed_at_ms } = report;
  const { info, low, medium, high, critical } = findings.severities;
  const kept: SiteReport = {
    ...report,
    findings: { ...findings, list: [] },
    healings: { ...healings, list: [] },
  };
  return {
    ...{ observed_ms: observed_at_ms, received_ms, mode: healing.mode },
    ...{ sensors_live: sensors?.states.live ?? 0, sensors_silent: sensors?.states.silent ?? 0 },
    ...{ sensors_waiting: sensors?.waiting ?? 0, open_info: info, open_low: low, open_medium: medium },
    ...{ open_high: high, open_critical: critical, report: JSON.stringify(kept) },
  };
}

async function keepFindings(work: Work, { device_id, report, now_ms, id }: Told): Promise<void> {
  const open = await work
    .selectFrom('site_findings')
    .selectAll()
    .where('device_id', '=', device_id)
    .where('closed_ms', 'is', null)
    .execute();
  const { write, close } = planFindings(open, report.findings, now_ms);
  for (const some of chunks(close))
    await work
      .updateTable('site_findings')
      .set({ closed_ms: now_ms })
      .where('device_id', '=', device_id)
      .where('finding', 'in', some)
      .execute();
  const rows: SiteFindingRow[] = write.map(({ id: finding, ...facts }) => ({
    ...{ id: id(), device_id, finding, ...facts, first_ms: now_ms, closed_ms: null },
  }));
  for (const some of chunks(rows))
    await work
      .insertInto('site_findings')
      .values(some)
      .onConflict((conflict) =>
        conflict.columns(['device_id', 'finding']).doUpdateSet((update) => ({
          hostname: update.ref('excluded.hostname'),
          control: update.ref('excluded.control'),
          severity: update.ref('excluded.severity'),
          // One that was closed because it fitted into no report is open again.
          closed_ms: null,
        })),
      )
      .execute();
  if (rows.length > 0) await forgetBeyond(work, 'site_findings', device_id, DEVICE_FINDINGS_MAX);
}

async function keepHealings(work: Work, { device_id, report, now_ms, id }: Told): Promise<void> {
  const unique = new Map(report.healings.list.map((healing) => [healing.id, healing]));
  // Told newest first, kept in the order in which they were.
  const rows: SiteHealingRow[] = [...unique.values()].reverse().map(({ id: healing, dry_run, ...facts }) => ({
    ...{ id: id(), device_id, healing, ...facts, dry_run: Number(dry_run), received_ms: now_ms },
  }));
  if (rows.length === 0) return;
  await work
    .insertInto('site_healings')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['device_id', 'healing']).doUpdateSet((update) => ({
        state: update.ref('excluded.state'),
        ended_ms: update.ref('excluded.ended_ms'),
        reason: update.ref('excluded.reason'),
        received_ms: update.ref('excluded.received_ms'),
      })),
    )
    .execute();
  await forgetBeyond(work, 'site_healings', device_id, DEVICE_HEALINGS_MAX);
}

/** The oldest go: an appliance that tells too much loses its own history and nobody else's. */
async function forgetBeyond(
  work: Work,
  table: 'site_findings' | 'site_healings',
  device_id: string,
  kept_max: number,
): Promise<void> {
  await sql`delete from ${sql.table(table)} where id in (
    select id from ${sql.table(table)} where device_id = ${device_id}
    order by id desc limit ${ROWS_PER_STATEMENT * 2} offset ${kept_max})`.execute(work);
}

function chunks<T>(all: readonly T[]): T[][] {
  const count = Math.ceil(all.length / ROWS_PER_STATEMENT);
  return Array.from({ length: count }, (_, at) =>
    all.slice(at * ROWS_PER_STATEMENT, (at + 1) * ROWS_PER_STATEMENT),
  );
}
