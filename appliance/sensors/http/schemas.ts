import { type Static, Type as t } from '@sinclair/typebox';
import { OneOf, Unknowable } from '../../../base/schema.ts';
import { HOSTNAME_MAX, TEXT_MAX } from '../../findings/limits.ts';
import { SHORT_TEXT_MAX } from './limits.ts';

/** Bodies and answers of the HTTP sensor API. Names and units are those that sensors use already. */

const Hostname = t.String({ minLength: 1, maxLength: HOSTNAME_MAX });
const Short = t.String({ maxLength: SHORT_TEXT_MAX });
const Instant = t.Union([t.Number({ minimum: 0, maximum: 1e11 }), t.String({ maxLength: 40 })], {
  description: 'Unix seconds, or RFC 3339',
});
const CheckType = t.String({
  ...{ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9_.-]+$' },
  description: 'firewall, patches, ssh, …; case does not matter',
});
const Count = t.Integer({ minimum: 0, maximum: 1_000_000 });

export const Registration = t.Object({
  hostname: Hostname,
  domain: t.Optional(Hostname),
  os_version: t.Optional(Short),
  kernel: t.Optional(Short),
  sensor_version: t.Optional(Short),
  mac_address: t.Optional(t.String({ maxLength: 32 })),
  admission_code: t.Optional(t.String({ maxLength: 64, description: 'the one-time code; or a claim' })),
  claim: t.Optional(
    t.String({ pattern: '^[0-9a-f]{64}$', description: '32 random bytes that the sensor keeps, hex' }),
  ),
});

export const Registered = t.Object({
  sensor_id: t.String(),
  api_key: t.String({ description: 'told once' }),
  check_interval: t.Integer({ description: 'seconds' }),
  heartbeat_interval: t.Integer({ description: 'seconds' }),
});

export const Waiting = t.Object({
  status: t.Literal('waiting'),
  fingerprint: t.String({ description: 'what an administrator compares before approving' }),
  retry_after: t.Integer({ description: 'seconds; send the same again, with the same claim' }),
});

export const Heartbeat = t.Object({
  hostname: Hostname,
  domain: t.Optional(Hostname),
  sensor_version: t.Optional(Short),
  timestamp: t.Optional(Instant),
  drift_count: t.Optional(Count),
  has_critical: t.Optional(t.Boolean()),
  compliant: t.Optional(t.Boolean()),
  uptime_seconds: t.Optional(t.Number({ minimum: 0 })),
  mode: t.Optional(Short),
});

const Command = t.Object({
  command_id: t.String(),
  check_type: t.String(),
  action: t.String(),
  params: t.Record(t.String(), t.String()),
  timeout_seconds: t.Integer(),
});

export const HeartbeatAnswer = t.Object({
  status: t.Literal('ok'),
  mode: t.String({ description: 'what the sensor may be told to do' }),
  server_time: t.Integer({ description: 'Unix seconds' }),
  next_heartbeat_in: t.Integer({ description: 'seconds' }),
  commands: t.Array(Command, { description: 'to be carried out; the result is told as an event' }),
});

const Details = t.Union([t.String({ maxLength: TEXT_MAX }), t.Record(t.String(), t.Unknown())], {
  description:
    'what was found, as a sentence or as fields; `expected` and `actual` have a place of their own',
});

export const Drift = t.Object({
  hostname: Hostname,
  domain: t.Optional(Hostname),
  drift_type: CheckType,
  severity: OneOf(['info', 'low', 'medium', 'high', 'critical']),
  details: Details,
  check_id: t.Optional(t.String({ maxLength: 64, description: 'the control it speaks of' })),
  detected_at: Instant,
  sensor_version: t.Optional(Short),
  event_id: t.Optional(t.String({ maxLength: 64, description: 'tells two of the same second apart' })),
});

export const DriftAnswer = t.Object({
  received: t.Literal(true),
  healing_queued: t.Boolean({ description: 'a command for this check waits already' }),
  event_id: t.String(),
});

export const Resolved = t.Object({
  hostname: Hostname,
  drift_type: CheckType,
  resolved_at: Instant,
  resolved_by: t.Optional(Short),
});

export const ResolvedAnswer = t.Object({ acknowledged: t.Literal(true), event_id: t.String() });

export const HealingResult = t.Object({
  event: t.Literal('healing'),
  hostname: Hostname,
  command_id: t.String({ minLength: 1, maxLength: 64 }),
  drift_type: CheckType,
  success: t.Boolean(),
  error_message: t.Optional(t.String({ maxLength: TEXT_MAX })),
  finished_at: Instant,
});

/** What sensors that were registered here tell by one address. */
export const SensorEvent = t.Union([
  t.Composite([t.Object({ event: t.Literal('drift') }), Drift]),
  t.Composite([t.Object({ event: t.Literal('resolved') }), Resolved]),
  HealingResult,
]);

export const EventAnswer = t.Object({
  received: t.Literal(true),
  event_id: t.String(),
  healing_queued: t.Boolean(),
});

const SensorStatus = t.Object({
  sensor_id: t.String(),
  hostname: t.String(),
  domain: Unknowable(t.String()),
  mode: Unknowable(t.String()),
  os_version: t.String(),
  sensor_version: t.String(),
  last_seen: Unknowable(t.String()),
  active: t.Boolean(),
  drift_count: t.Integer(),
});

export const StatusAnswer = t.Object({
  sensors: t.Array(SensorStatus),
  total: t.Integer(),
  active: t.Integer(),
  sensor_timeout_seconds: t.Integer(),
});

export const PollingAnswer = t.Object({
  hosts: t.Array(
    t.Object({
      hostname: t.String(),
      reason: OneOf(['no_sensor', 'silent']),
      last_seen: Unknowable(t.String()),
    }),
  ),
  total: t.Integer(),
});

export const HealthAnswer = t.Object({
  status: OneOf(['ok', 'full', 'failing']),
  version: t.String(),
});

export type Registration = Static<typeof Registration>;
export type Heartbeat = Static<typeof Heartbeat>;
export type Drift = Static<typeof Drift>;
export type Resolved = Static<typeof Resolved>;
export type SensorEvent = Static<typeof SensorEvent>;
export type HealingResult = Static<typeof HealingResult>;
export type StatusAnswer = Static<typeof StatusAnswer>;
export type PollingAnswer = Static<typeof PollingAnswer>;
