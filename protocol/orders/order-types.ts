import { type TSchema, Type as t } from '@sinclair/typebox';
import { OneOf } from '../../base/schema.ts';
import { CAPABILITY_TIERS } from '../healing/tier.ts';
import { FactText, HostName, Sha256, Version } from '../messages/parts.ts';

const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;

const strict = <P extends Record<string, TSchema>>(properties: P) =>
  t.Object(properties, { additionalProperties: false });
const NONE = strict({});
const Reason = t.String({ minLength: 1, maxLength: 500, description: 'for the audit log and the console' });
const Unit = t.String({ maxLength: 128, pattern: '^[A-Za-z0-9@_.:-]+\\.(service|timer|socket|mount|path)$' });
const SecretName = t.String({ maxLength: 64, pattern: '^[a-z0-9][a-z0-9._-]*$' });
const CheckType = t.String({ maxLength: 64, pattern: '^[a-z0-9_.-]+$' });
const ActionName = t.String({ maxLength: 64, pattern: '^[a-z0-9_]+$' });
const When = t.Union([t.Literal('at_once'), t.Literal('in_window')]);

/** Questions that are answered without a shell: each is one fixed command on the appliance. */
const DIAGNOSTIC_COMMANDS = [
  'addresses',
  'routes',
  'resolve',
  'reach_coordinator',
  'time',
  'disks',
  'memory',
  'processes',
  'failed_units',
  'firewall',
  'slots',
  'kernel_log',
] as const;

/** What an order of a type carries and what holds for it unless the operator says otherwise. */
export interface OrderTypeFacts {
  parameters: TSchema;
  /** From acceptance to the last result. */
  timeout_s: number;
  /** Executions, the first included. What is not safe to repeat has 1. */
  attempts_max: number;
  /** When it is complete: what was observed, never that something was started. */
  complete_when: string;
}

const facts = (
  parameters: TSchema,
  timeout_s: number,
  attempts_max: number,
  complete_when: string,
): OrderTypeFacts => ({ parameters, timeout_s, attempts_max, complete_when });

const Update = strict({
  version: Version,
  bundle: strict({
    sha256: Sha256,
    size_bytes: t.Integer({ minimum: 1 }),
    urls: t.Array(t.String({ maxLength: 2048, pattern: '^(https?://|/)' }), { minItems: 1, maxItems: 8 }),
  }),
  reboot: When,
  /** Try a version again that was rolled back here. */
  retry: t.Optional(t.Boolean()),
  /** The ordered version may be older than the one that runs. */
  allow_downgrade: t.Optional(t.Boolean()),
});

/** Every type of order. An appliance that does not do one refuses it; it never acknowledges what it does not do. */
export const ORDER_TYPES = {
  force_checkin: facts(NONE, MINUTE_S, 3, 'a state report has arrived'),
  run_drift: facts(
    strict({ checks: t.Optional(t.Array(CheckType, { maxItems: 64 })) }),
    10 * MINUTE_S,
    3,
    'every check has a result',
  ),
  sync_rules: facts(
    /** At least this version of the rule set. */
    strict({ version: t.Optional(t.Integer({ minimum: 1 })) }),
    5 * MINUTE_S,
    3,
    'the rules are those of the coordinator',
  ),
  restart_agent: facts(NONE, 5 * MINUTE_S, 1, 'the agent answers with a new start time'),
  update: facts(Update, 24 * HOUR_S, 3, 'the committed slot runs the ordered version'),
  rollback: facts(
    strict({ to_version: t.Optional(Version), reason: Reason, reboot: When }),
    24 * HOUR_S,
    1,
    'the committed slot runs the version before',
  ),
  reboot: facts(strict({ reason: Reason, reboot: When }), 24 * HOUR_S, 1, 'the boot id is another one'),
  view_logs: facts(
    strict({
      unit: t.Optional(Unit),
      since_s: t.Integer({ minimum: 1, maximum: 7 * 24 * HOUR_S }),
      lines_max: t.Integer({ minimum: 1, maximum: 5000 }),
    }),
    2 * MINUTE_S,
    3,
    'the lines have arrived',
  ),
  diagnostic: facts(
    strict({
      command: OneOf(DIAGNOSTIC_COMMANDS),
      argument: t.Optional(HostName),
    }),
    2 * MINUTE_S,
    3,
    'the output has arrived',
  ),
  deploy_sensor: facts(
    strict({ host: HostName, tier: t.Optional(OneOf(CAPABILITY_TIERS)) }),
    2 * MINUTE_S,
    1,
    'a code is made that lets one sensor in, for a day',
  ),
  remove_sensor: facts(
    strict({ host: HostName }),
    2 * MINUTE_S,
    3,
    'the sensors of that host are not let in any more',
  ),
  sensor_status: facts(strict({ host: t.Optional(HostName) }), 2 * MINUTE_S, 3, 'the list has arrived'),
  healing: facts(
    strict({
      host: HostName,
      check_type: CheckType,
      action: ActionName,
      parameters: t.Optional(t.Record(t.String({ maxLength: 64 }), FactText)),
    }),
    15 * MINUTE_S,
    2,
    'the check passes after the action',
  ),
  enable_healing: facts(strict({ reason: Reason }), 2 * MINUTE_S, 3, 'healing is on after reading back'),
  disable_healing: facts(strict({ reason: Reason }), 2 * MINUTE_S, 3, 'healing is off after reading back'),
  update_credentials: facts(
    strict({
      name: SecretName,
      /** Encrypted to the appliance alone (age); the coordinator cannot read it either. */
      sealed: t.String({ maxLength: 16 * 1024, pattern: '^[A-Za-z0-9+/]+={0,2}$' }),
    }),
    5 * MINUTE_S,
    3,
    'the secret is in its place',
  ),
  validate_credential: facts(
    strict({ name: SecretName, host: HostName }),
    5 * MINUTE_S,
    2,
    'a log-in was tried',
  ),
  rotate_key: facts(NONE, 10 * MINUTE_S, 1, 'a request signed with the new key has arrived'),
  isolate_host: facts(
    strict({ host: HostName, for_s: t.Integer({ minimum: 60, maximum: 7 * 24 * HOUR_S }), reason: Reason }),
    5 * MINUTE_S,
    2,
    'the rule is loaded after reading back',
  ),
  enable_emergency_access: facts(
    strict({
      for_s: t.Integer({ minimum: 60, maximum: 24 * HOUR_S }),
      ssh_public_key: t.String({
        maxLength: 1024,
        pattern: '^(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/=]+$',
      }),
      reason: Reason,
    }),
    5 * MINUTE_S,
    1,
    'the SSH port answers',
  ),
  disable_emergency_access: facts(NONE, 5 * MINUTE_S, 3, 'the SSH port is closed'),
  configure_dns: facts(
    strict({
      servers: t.Array(HostName, { minItems: 1, maxItems: 4 }),
      search: t.Optional(t.Array(HostName, { maxItems: 6 })),
    }),
    5 * MINUTE_S,
    2,
    'the coordinator is reached by name with the new servers',
  ),
  reprovision: facts(
    strict({ confirm: t.Literal('erase this appliance'), reason: Reason }),
    HOUR_S,
    1,
    'the appliance has enrolled with a new key',
  ),
  collect_support_bundle: facts(
    strict({ since_s: t.Optional(t.Integer({ minimum: 1, maximum: 30 * 24 * HOUR_S })) }),
    15 * MINUTE_S,
    2,
    'the file has arrived',
  ),
} as const satisfies Record<string, OrderTypeFacts>;

export type OrderType = keyof typeof ORDER_TYPES;

export const ORDER_TYPE_NAMES = Object.keys(ORDER_TYPES) as OrderType[];

export function isOrderType(name: string): name is OrderType {
  return Object.hasOwn(ORDER_TYPES, name);
}
