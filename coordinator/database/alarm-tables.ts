import type { AlarmKind, Severity } from '../alarms/kinds.ts';

/** Tables of alarms; see tables.ts for what holds for all. */
export interface AlarmTables {
  alarms: AlarmRow;
  report_counts: ReportCountRow;
  channels: ChannelRow;
  deliveries: DeliveryRow;
}

/** Where alarms are sent. */
export interface ChannelRow {
  id: string;
  name: string;
  kind: 'webhook' | 'matrix';
  /** Of the receiver, or of the homeserver. */
  url: string;
  room: string | null;
  /** What messages are signed with, or the access token. It has to be used, so it is kept as it is. */
  secret: string;
  /** Alarms that weigh less are not sent. */
  least: Severity;
  created_ms: number;
  created_by: string;
}

/** One message to one channel. */
export interface DeliveryRow {
  /** Names it to the receiver, with every try. */
  id: string;
  channel_id: string;
  /** JSON of a Notice. */
  notice: string;
  state: 'waiting' | 'delivered' | 'dead';
  attempts: number;
  /** When it is tried next; while it is being sent, when it is taken for lost. */
  due_ms: number;
  created_ms: number;
  ended_ms: number | null;
  /** Of the last try. */
  error: string | null;
}

/** Something that is, or was, wrong; of one kind and subject at most one is open. */
export interface AlarmRow {
  id: string;
  kind: AlarmKind;
  /** `device:…`, `rollout:…`, `channel:…`, `project:…`, `job:…`, `coordinator`, `fleet`. */
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
