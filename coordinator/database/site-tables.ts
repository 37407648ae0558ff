import type { FindingSeverity, SiteHealing, SiteReport } from '../../protocol/messages/site-report.ts';

/** Tables of sites; see tables.ts for what holds for all. */
export interface SiteTables {
  device_sites: SiteRow;
  site_findings: SiteFindingRow;
  site_healings: SiteHealingRow;
}

/** What an appliance has told of its site last, with the numbers that the fleet is counted by. */
export interface SiteRow {
  device_id: string;
  /** By the clock of the appliance. */
  observed_ms: number;
  received_ms: number;
  mode: SiteReport['healing']['mode'];
  sensors_live: number;
  sensors_silent: number;
  sensors_waiting: number;
  open_info: number;
  open_low: number;
  open_medium: number;
  open_high: number;
  open_critical: number;
  /** JSON of the report without the lists that have tables of their own. */
  report: string;
}

export interface SiteFindingRow {
  /** Ours: rises with when it was first told. */
  id: string;
  device_id: string;
  /** As the appliance calls it. */
  finding: string;
  subject: string;
  hostname: string;
  check_type: string;
  control: string | null;
  severity: FindingSeverity;
  /** By the clock of the appliance, and never in the future. */
  opened_ms: number;
  /** When it was first told here. */
  first_ms: number;
  /** When a report came that did not have it any more; null: it is open. */
  closed_ms: number | null;
}

export interface SiteHealingRow {
  id: string;
  device_id: string;
  /** As the appliance calls it. */
  healing: string;
  subject: string;
  hostname: string;
  check_type: string;
  action: string;
  state: SiteHealing['state'];
  /** 1: nothing was done. */
  dry_run: number;
  began_ms: number;
  ended_ms: number | null;
  reason: string | null;
  /** When it was told last. */
  received_ms: number;
}
