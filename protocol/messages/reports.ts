import { type Static, Type as t } from '@sinclair/typebox';
import { OneOf, Unknowable } from '../../base/schema.ts';
import { UPDATE_STATES } from '../../base/update-states.ts';
import { Fingerprint } from './fingerprint.ts';
import { SealingPublicKey, Sha256, TimeMs, Version } from './parts.ts';

const CHANGE_REASONS = ['startup', 'config_change', 'state_delta', 'deployment'] as const;
export type ChangeReason = (typeof CHANGE_REASONS)[number];

/** POST /agent/heartbeat: nothing has changed. Fields that are not known here are passed over: newer agents have more to say. */
export const Heartbeat = t.Object({
  agent_version: Version,
  uptime_s: t.Integer({ minimum: 0 }),
  /** Digest of the fingerprint that was last reported; null before the first report. */
  state_digest: Unknowable(Sha256),
  /** What waits on the appliance for delivery. */
  waiting: t.Optional(t.Object({ records: t.Integer({ minimum: 0 }), oldest_ms: Unknowable(TimeMs) })),
  update: t.Optional(
    t.Object({
      version: Version,
      state: OneOf(UPDATE_STATES),
    }),
  ),
  /** Asks for a session key, sealed for this X25519 key that is used once; heard when the device's own key has signed. */
  session_key_for: t.Optional(SealingPublicKey),
});
export type Heartbeat = Static<typeof Heartbeat>;

/** POST /agent/state: something has changed, or the coordinator asked. */
export const StateReport = t.Object({
  reason: OneOf(CHANGE_REASONS),
  /** When it was noticed, by the clock of the appliance. */
  observed_at_ms: TimeMs,
  uptime_s: t.Integer({ minimum: 0 }),
  fingerprint: Fingerprint,
});
export type StateReport = Static<typeof StateReport>;
