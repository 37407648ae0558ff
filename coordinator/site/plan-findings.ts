import type { SiteFinding, SiteReport } from '../../protocol/messages/site-report.ts';
import type { SiteFindingRow } from '../database/site-tables.ts';

/** What has to be written so that the open findings are those of a report. */
export interface FindingsPlan {
  write: readonly SiteFinding[];
  /** As the appliance calls them. */
  close: readonly string[];
}

/**
 * New ones and changed ones are written; those that are not named any more are closed, unless the list was cut: then one that is missing may only have
 * had no room. Pure.
 *
 * @param open of the appliance, as they stand here
 */
export function planFindings(
  open: readonly SiteFindingRow[],
  { list, left_out }: SiteReport['findings'],
  now_ms: number,
): FindingsPlan {
  const named = new Map(list.map((finding) => [finding.id, finding]));
  const before = new Map(open.map((row) => [row.finding, row]));
  const write = [...named.values()]
    .filter((finding) => !isSame(finding, before.get(finding.id)))
    // A clock that is ahead must not make findings of tomorrow.
    .map((finding) => ({ ...finding, opened_ms: Math.min(finding.opened_ms, now_ms) }))
    .sort((a, b) => a.opened_ms - b.opened_ms);
  const close = left_out > 0 ? [] : [...before.keys()].filter((finding) => !named.has(finding));
  return { write, close };
}

function isSame({ severity, hostname, control }: SiteFinding, row: SiteFindingRow | undefined): boolean {
  return row?.severity === severity && row.hostname === hostname && row.control === control;
}
