import type { AlarmKind, Severity } from '../alarms/kinds.ts';

/** Tables of alarms; see tables.ts for what holds for all. */
export interface AlarmTables {
  alarms: AlarmRow;
  report_counts: ReportCountRow;
}

/** Something that is, or was, wrong; of one kind and subject at most one is open. */
export interface AlarmRow {
  id: string;
  kind: AlarmKind;
  /** `device:…`, `rollout:…`, `coordinator`, `fleet`. */
  subject: string;
  severity: Severity;
  message: string;
  opened_ms: number;
  /** Null: it is open. */
  closed_ms: number | null;
  acknowledged_ms: number | null;
  acknowledged_by: string | null;
  /** What who acknowledged it says. */
  note: string | null;
}

/** Requests of appliances in one minute at one process, by what became of them. */
export interface ReportCountRow {
  minute_ms: number;
  process: string;
  /** Code of the refusal; TAKEN: none. */
  code: string;
  count: number;
}
