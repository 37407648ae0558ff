import { type Static, Type as t } from '@sinclair/typebox';
import { DeviceKeyId, PublicKey, TimeMs } from './parts.ts';

/** An order as it travels; parseOrder verifies it. */
const OrderEnvelope = t.Object(
  {
    payload: t.String(),
    payloadType: t.String(),
    signatures: t.Array(t.Object({ keyid: t.String(), sig: t.String() })),
  },
  { description: 'DSSE envelope of an order, signed by the coordinator' },
);

/** A session key, sealed for the device that asked; see protocol/session-key. */
export const SessionKeyGrant = t.Object({
  expires_s: t.Integer({ minimum: 1_000_000_000, description: 'seconds since 1970, UTC' }),
  encapsulated_key: t.String({
    pattern: '^[A-Za-z0-9+/]{43}=$',
    description: 'HPKE `enc`, 32 bytes in base64',
  }),
  sealed: t.String({ pattern: '^[A-Za-z0-9+/]{64}$', description: '48 bytes in base64' }),
});
export type SessionKeyGrant = Static<typeof SessionKeyGrant>;

/** Answer to a heartbeat or a state report: 200, or 202 when the agent is older than the coordinator likes. */
export const ReportAnswer = t.Object({
  /** The coordinator's clock, for an appliance whose own is wrong. */
  server_time_ms: TimeMs,
  /** Jitter included: when to send the next heartbeat. */
  next_heartbeat_s: t.Number({ minimum: 1 }),
  /** The coordinator does not know the fingerprint behind `state_digest`. */
  send_state: t.Boolean(),
  agent: t.Union([t.Literal('current'), t.Literal('outdated')]),
  orders: t.Array(OrderEnvelope),
  /** To a heartbeat that asked for one. */
  session_key: t.Optional(SessionKeyGrant),
});
export type ReportAnswer = Static<typeof ReportAnswer>;

/** The key that orders are signed with. */
const OrderKey = t.Object({ key_id: t.String(), public_key: PublicKey });

/** Answer to an enrolment: 200 approved, 202 pending. */
export const EnrolmentAnswer = t.Object({
  state: t.Union([t.Literal('pending'), t.Literal('approved')]),
  /** Name of the record at the coordinator; stays when keys are rotated. */
  device_id: t.String(),
  key_id: DeviceKeyId,
  /** To be shown on the appliance: an operator approves the box in front of which it was read. Null when approved. */
  code: t.Union([t.String(), t.Null()]),
  code_expires_ms: t.Union([TimeMs, t.Null()]),
  /** Whether a pre-authorised code was taken, and if not, why. */
  provision: t.Union([
    t.Literal('none'),
    t.Literal('accepted'),
    t.Literal('refused'),
    t.Literal('needs_approval'),
  ]),
  retry_after_s: t.Integer({ minimum: 1 }),
  server_time_ms: TimeMs,
  order_keys: t.Array(OrderKey),
});
export type EnrolmentAnswer = Static<typeof EnrolmentAnswer>;

/** Body of every refusal. `server_time_ms` lets a box with a wrong clock put itself right. */
export const AgentProblem = t.Object({
  error: t.Object({ code: t.String(), message: t.String(), hint: t.Union([t.String(), t.Null()]) }),
  server_time_ms: TimeMs,
  /** With 409: the highest sequence that was taken. */
  last_sequence: t.Optional(t.Integer({ minimum: 0 })),
});
export type AgentProblem = Static<typeof AgentProblem>;
