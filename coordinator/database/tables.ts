import type { Kysely, Transaction } from 'kysely';
import type { AlarmTables } from './alarm-tables.ts';
import type { BuildTables } from './build-tables.ts';
import type { EvidenceTables } from './evidence-tables.ts';
import type { ReleaseTables } from './release-tables.ts';
import type { SiteTables } from './site-tables.ts';

/**
 * The tables as the code sees them; the same on SQLite and PostgreSQL. Only texts and whole numbers: instants are milliseconds
 * since 1970, lists and objects are JSON, digests and keys are texts. Absence is null.
 */
export interface Tables extends ReleaseTables, AlarmTables, BuildTables, EvidenceTables, SiteTables {
  devices: DeviceRow;
  device_keys: DeviceKeyRow;
  device_presence: PresenceRow;
  device_states: DeviceStateRow;
  state_changes: StateChangeRow;
  enrolment_codes: EnrolmentCodeRow;
  orders: OrderRow;
  order_events: OrderEventRow;
  order_logs: OrderLogRow;
  audit: AuditRow;
  audit_heads: AuditHeadRow;
  users: UserRow;
  sessions: SessionRow;
  api_tokens: ApiTokenRow;
  sign_in_codes: SignInCodeRow;
  sign_in_failures: SignInFailureRow;
  server_keys: ServerKeyRow;
  filters: FilterRow;
  rule_sets: RuleSetRow;
}

export type Database = Kysely<Tables>;
/** What a piece of work gets that happens whole or not at all. */
export type Work = Transaction<Tables>;

export type DeviceState = 'pending' | 'approved' | 'refused' | 'revoked' | 'replaced';

/** What somebody looks for in the fleet again and again. */
export interface FilterRow {
  id: string;
  /** Whose it is. */
  user_id: string;
  name: string;
  /** 1: everyone sees it. */
  shared: number;
  state: DeviceState;
  search: string | null;
  /** In the query language of rollouts. */
  cohort: string | null;
  created_ms: number;
}

/** One version of the healing rules. */
export interface RuleSetRow {
  version: number;
  note: string;
  /** JSON: ids of its rules, and of those that it switches off. */
  rules: string;
  /** JSON, as it was signed. */
  envelope: string;
  published_ms: number;
  published_by: string;
}

/** One appliance, or somebody who says so. */
export interface DeviceRow {
  id: string;
  state: DeviceState;
  /** Key that requests are signed with now. */
  key_id: string;
  name: string | null;
  hostname: string;
  serial: string | null;
  product_uuid: string | null;
  mac: string | null;
  hardware: string | null;
  agent_version: string;
  image_version: string | null;
  /** JSON: names to values. */
  tags: string;
  /** Shown on the appliance while it is pending. */
  code: string | null;
  code_expires_ms: number | null;
  /** JSON: ids of devices that said they are the same machine when this one appeared. */
  conflicts: string;
  /** Pre-authorised code that approved it. */
  enrolment_code_id: string | null;
  /** Device that took its place. */
  replaced_by: string | null;
  created_ms: number;
  decided_ms: number | null;
  decided_by: string | null;
}

export interface DeviceKeyRow {
  key_id: string;
  device_id: string;
  /** Base64 of 32 bytes. */
  public_key: string;
  state: 'active' | 'retired' | 'revoked';
  added_ms: number;
  ended_ms: number | null;
}

/** What changes with every heartbeat: one small row each. */
export interface PresenceRow {
  device_id: string;
  /** Highest sequence that was taken from its key. */
  sequence: number;
  heard_ms: number | null;
  interval_s: number;
  agent_version: string | null;
  uptime_s: number | null;
  state_digest: string | null;
  update_version: string | null;
  update_state: string | null;
  waiting_records: number | null;
}

export interface DeviceStateRow {
  device_id: string;
  digest: string;
  /** JSON of a Fingerprint. */
  fingerprint: string;
  reason: string;
  observed_ms: number;
  received_ms: number;
}

export interface StateChangeRow {
  id: string;
  device_id: string;
  reason: string;
  /** JSON: list of field, before, after. */
  changes: string;
  observed_ms: number;
  received_ms: number;
}

/** A code that approves by itself; only its digest is kept. */
export interface EnrolmentCodeRow {
  id: string;
  code_hash: string;
  note: string;
  uses_max: number;
  used: number;
  tags: string;
  expires_ms: number;
  created_ms: number;
  created_by: string;
  revoked_ms: number | null;
}

export type OrderState =
  | 'queued'
  | 'handed_out'
  | 'accepted'
  | 'succeeded'
  | 'failed'
  | 'refused'
  | 'expired'
  | 'unanswered'
  | 'cancelled';

export interface OrderRow {
  id: string;
  device_id: string;
  type: string;
  parameters: string;
  state: OrderState;
  attempt: number;
  attempts_max: number;
  /** How often this attempt was handed out without being accepted. */
  hand_outs: number;
  timeout_s: number;
  not_before_ms: number;
  expires_ms: number;
  /** When the state is looked at again: hand-out repeated, deadline passed, order expired. */
  due_ms: number;
  reason: string | null;
  created_ms: number;
  created_by: string;
  accepted_ms: number | null;
  ended_ms: number | null;
  result_code: string | null;
  result_message: string | null;
  result_facts: string | null;
  /** JSON of a MaintenanceWindow: handed out only while it is open. */
  window: string | null;
}

export interface OrderEventRow {
  id: string;
  order_id: string;
  at_ms: number;
  state: OrderState;
  attempt: number;
  code: string | null;
  message: string | null;
}

export interface OrderLogRow {
  order_id: string;
  attempt: number;
  position: number;
  text: string;
  received_ms: number;
}

export interface AuditRow {
  sequence: number;
  at_ms: number;
  actor: string;
  action: string;
  subject: string;
  /** JSON object. */
  details: string;
  previous_hash: string;
  hash: string;
}

export interface AuditHeadRow {
  chain: string;
  sequence: number;
  hash: string;
}

export type Role = 'viewer' | 'operator' | 'admin';

export interface UserRow {
  id: string;
  name: string;
  role: Role;
  /** Argon2id; null until the person has chosen one. */
  password_hash: string | null;
  created_ms: number;
  disabled_ms: number | null;
}

export interface SessionRow {
  token_hash: string;
  user_id: string;
  created_ms: number;
  expires_ms: number;
}

export interface ApiTokenRow {
  id: string;
  token_hash: string;
  user_id: string;
  name: string;
  /** JSON: list of scopes. */
  scopes: string;
  created_ms: number;
  expires_ms: number | null;
  revoked_ms: number | null;
}

/** Signs one person in once. */
export interface SignInCodeRow {
  code_hash: string;
  user_id: string;
  expires_ms: number;
}

export interface SignInFailureRow {
  /** `name:…` or `address:…`. */
  subject: string;
  failures: number;
  last_ms: number;
  locked_until_ms: number | null;
}

export interface ServerKeyRow {
  key_id: string;
  purpose: 'order' | 'session';
  /** Of orders: PKCS#8 in PEM. Of sessions: base64 of 32 bytes. */
  private_key: string;
  created_ms: number;
  retired_ms: number | null;
}
