import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { addAlarms } from './alarms-step.ts';
import { addBuilds } from './builds-step.ts';
import { addChannels } from './channels-step.ts';
import { addEvidence } from './evidence-step.ts';
import { addFilters } from './filters-step.ts';
import { type Backend, type IndexMap, makeTables, type TableMap } from './make-tables.ts';
import { addPolicies } from './policies-step.ts';
import { addReleases } from './releases-step.ts';
import { addRuleSets } from './rules-step.ts';
import { addSettlements } from './settlements-step.ts';
import { addSites } from './site-step.ts';
import { addVulnerabilities } from './vulnerabilities-step.ts';

export type { Backend };

/**
 * Every step from an empty database to the tables of this version, oldest first. A step that was released is never changed.
 * The same steps run on both databases; what only one of them can is asked for by name.
 */
export function migrationsFor(backend: Backend): Record<string, Migration> {
  return {
    '0001-start': { up: (database: Kysely<unknown>) => start(database, backend) },
    '0002-releases': { up: (database: Kysely<unknown>) => addReleases(database, backend) },
    '0003-lists': { up: addLists },
    '0004-alarms': { up: (database: Kysely<unknown>) => addAlarms(database, backend) },
    '0005-channels': { up: (database: Kysely<unknown>) => addChannels(database, backend) },
    '0006-builds': { up: (database: Kysely<unknown>) => addBuilds(database, backend) },
    '0007-filters': { up: (database: Kysely<unknown>) => addFilters(database, backend) },
    '0008-policies': { up: (database: Kysely<unknown>) => addPolicies(database, backend) },
    '0009-evidence': { up: (database: Kysely<unknown>) => addEvidence(database, backend) },
    '0010-rules': { up: (database: Kysely<unknown>) => addRuleSets(database, backend) },
    '0011-sites': { up: (database: Kysely<unknown>) => addSites(database, backend) },
    '0012-vulnerabilities': { up: (database: Kysely<unknown>) => addVulnerabilities(database, backend) },
    '0013-settlements': { up: (database: Kysely<unknown>) => addSettlements(database, backend) },
  };
}

const START: TableMap = {
  devices: [
    ...(['id text key', 'state text', 'key_id text', 'name text null', 'hostname text'] as const),
    ...(['serial text null', 'product_uuid text null', 'mac text null', 'hardware text null'] as const),
    ...(['agent_version text', 'image_version text null', 'tags text', 'code text null'] as const),
    ...(['code_expires_ms number null', 'conflicts text', 'enrolment_code_id text null'] as const),
    ...([
      'replaced_by text null',
      'created_ms number',
      'decided_ms number null',
      'decided_by text null',
    ] as const),
  ],
  device_keys: [
    ...(['key_id text key', 'device_id text', 'public_key text', 'state text', 'added_ms number'] as const),
    'ended_ms number null',
  ],
  device_presence: [
    ...(['device_id text key', 'sequence number', 'heard_ms number null', 'interval_s number'] as const),
    ...(['agent_version text null', 'uptime_s number null', 'state_digest text null'] as const),
    ...(['update_version text null', 'update_state text null', 'waiting_records number null'] as const),
  ],
  device_states: [
    ...(['device_id text key', 'digest text', 'fingerprint text', 'reason text'] as const),
    ...(['observed_ms number', 'received_ms number'] as const),
  ],
  state_changes: [
    ...(['id text key', 'device_id text', 'reason text', 'changes text'] as const),
    ...(['observed_ms number', 'received_ms number'] as const),
  ],
  enrolment_codes: [
    ...([
      'id text key',
      'code_hash text',
      'note text',
      'uses_max number',
      'used number',
      'tags text',
    ] as const),
    ...(['expires_ms number', 'created_ms number', 'created_by text', 'revoked_ms number null'] as const),
  ],
  orders: [
    ...(['id text key', 'device_id text', 'type text', 'parameters text', 'state text'] as const),
    ...(['attempt number', 'attempts_max number', 'hand_outs number', 'timeout_s number'] as const),
    ...(['not_before_ms number', 'expires_ms number', 'due_ms number', 'reason text null'] as const),
    ...(['created_ms number', 'created_by text', 'accepted_ms number null', 'ended_ms number null'] as const),
    ...(['result_code text null', 'result_message text null', 'result_facts text null'] as const),
  ],
  order_events: [
    ...(['id text key', 'order_id text', 'at_ms number', 'state text', 'attempt number'] as const),
    ...(['code text null', 'message text null'] as const),
  ],
  order_logs: [
    ...(['order_id text key', 'attempt number key', 'position number key', 'text text'] as const),
    'received_ms number',
  ],
  audit: [
    ...(['sequence number key', 'at_ms number', 'actor text', 'action text', 'subject text'] as const),
    ...(['details text', 'previous_hash text', 'hash text'] as const),
  ],
  audit_heads: ['chain text key', 'sequence number', 'hash text'],
  users: [
    ...(['id text key', 'name text', 'role text', 'password_hash text null', 'created_ms number'] as const),
    'disabled_ms number null',
  ],
  sessions: ['token_hash text key', 'user_id text', 'created_ms number', 'expires_ms number'],
  api_tokens: [
    ...(['id text key', 'token_hash text', 'user_id text', 'name text', 'scopes text'] as const),
    ...(['created_ms number', 'expires_ms number null', 'revoked_ms number null'] as const),
  ],
  sign_in_codes: ['code_hash text key', 'user_id text', 'expires_ms number'],
  sign_in_failures: [
    ...(['subject text key', 'failures number', 'last_ms number', 'locked_until_ms number null'] as const),
  ],
  server_keys: [
    ...(['key_id text key', 'purpose text', 'private_key text', 'created_ms number'] as const),
    'retired_ms number null',
  ],
};

const START_INDEXES: IndexMap = [
  ['devices', ['state', 'id']],
  ['devices', ['serial']],
  ['devices', ['product_uuid']],
  ['devices', ['mac']],
  ['devices', ['code'], 'unique'],
  ['device_keys', ['device_id']],
  ['state_changes', ['device_id', 'id']],
  ['enrolment_codes', ['code_hash'], 'unique'],
  ['orders', ['device_id', 'state']],
  ['orders', ['state', 'due_ms']],
  ['order_events', ['order_id', 'id']],
  ['users', ['name'], 'unique'],
  ['sessions', ['expires_ms']],
  ['api_tokens', ['token_hash'], 'unique'],
];

/**
 * What lists are read by: orders of one state or one appliance, newest first, without sorting all of them; and what a search of the fleet
 * compares, so that it need not read the appliances themselves.
 */
async function addLists(database: Kysely<unknown>): Promise<void> {
  for (const column of ['state', 'device_id'])
    await database.schema.createIndex(`orders_${column}_id`).on('orders').columns([column, 'id']).execute();
  await database.schema
    .createIndex('devices_search')
    .on('devices')
    .columns(['state', 'id', 'name', 'hostname', 'serial', 'mac'])
    .execute();
}

async function start(database: Kysely<unknown>, backend: Backend): Promise<void> {
  await makeTables(database, backend, START, START_INDEXES);
  await sql`insert into audit_heads (chain, sequence, hash) values ('main', 0, ${'0'.repeat(64)})`.execute(
    database,
  );
  for (const statement of AUDIT_GUARDS[backend]) await sql.raw(statement).execute(database);
}

/** Entries of the audit log are added and nothing else, whoever asks. */
const AUDIT_GUARDS: Readonly<Record<Backend, readonly string[]>> = {
  sqlite: ['update', 'delete'].map(
    (act) => `create trigger audit_no_${act} before ${act} on audit begin
      select raise(abort, 'the audit log is append-only'); end`,
  ),
  postgres: [
    `create function audit_refuse() returns trigger language plpgsql as $$
      begin raise exception 'the audit log is append-only'; end $$`,
    `create trigger audit_append_only before update or delete or truncate on audit
      for each statement execute function audit_refuse()`,
  ],
};
