import { type Static, Type as t } from '@sinclair/typebox';
import { OneOf, Unknowable } from '../../base/schema.ts';
import { ChainId } from '../evidence/record.ts';
import { CAPABILITY_TIERS } from '../healing/tier.ts';
import { SITE_FINDINGS_MAX, SITE_FRAMEWORKS_MAX, SITE_HEALINGS_MAX, SITE_SENSORS_MAX } from '../limits.ts';
import { FactText, Sha256, TimeMs } from './parts.ts';

/** How bad a finding is, from a word to somebody to somebody has to come. */
export const FINDING_SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'] as const;
export type FindingSeverity = (typeof FINDING_SEVERITIES)[number];

/** `live`: heard within the last minutes. `silent`: let in, and not heard for longer. */
export const SENSOR_STATES = ['live', 'silent'] as const;
export type SensorState = (typeof SENSOR_STATES)[number];

/** Where a healing stands or how it ended; the states of appliance/healing. */
export const SITE_HEALING_STATES = [
  'detected',
  'acting',
  'verifying',
  'healed',
  'not_healed',
  'gave_up',
  'refused',
] as const;
export type SiteHealingState = (typeof SITE_HEALING_STATES)[number];

export const SITE_HEALING_MODES = ['on', 'dry_run', 'off'] as const;

const Count = t.Integer({ minimum: 0, maximum: 1_000_000_000 });
const Name = t.String({ minLength: 1, maxLength: 64, pattern: '^[a-z0-9_.-]+$' });
/** As the site knows it: `f-…`, `h-…`. */
const SiteId = t.String({ minLength: 1, maxLength: 80, pattern: '^[A-Za-z0-9_.-]+$' });
/** `appliance`, a sensor (`s-…`) or a declared machine (`t-…`). */
const Subject = t.String({ minLength: 1, maxLength: 64, pattern: '^[a-z0-9_.-]+$' });
const counts = <const K extends string>(names: readonly K[]) =>
  t.Object(Object.fromEntries(names.map((name) => [name, Count])) as Record<K, typeof Count>);

/** Somebody who reports to the appliance. */
export const SiteSensor = t.Object({
  ...{ id: Subject, hostname: FactText, state: OneOf(SENSOR_STATES), tier: OneOf(CAPABILITY_TIERS) },
  /** null: it has said nothing since it was let in. */
  heard_ms: Unknowable(TimeMs),
});
export type SiteSensor = Static<typeof SiteSensor>;

/** Something on the site that is not as it should be. */
export const SiteFinding = t.Object({
  ...{ id: SiteId, subject: Subject, hostname: FactText, check_type: Name },
  severity: OneOf(FINDING_SEVERITIES),
  /** The control it speaks of; null: none is named. */
  control: Unknowable(t.String({ maxLength: 64, pattern: '^[^\\x00-\\x1f\\x7f]*$' })),
  opened_ms: TimeMs,
});
export type SiteFinding = Static<typeof SiteFinding>;

/** One attempt to put something right. */
export const SiteHealing = t.Object({
  ...{ id: SiteId, subject: Subject, hostname: FactText, check_type: Name, action: Name },
  ...{ state: OneOf(SITE_HEALING_STATES), dry_run: t.Boolean(), began_ms: TimeMs },
  ended_ms: Unknowable(TimeMs),
  /** In a sentence, why it ended as it did. */
  reason: Unknowable(FactText),
});
export type SiteHealing = Static<typeof SiteHealing>;

const share = t.Number({ minimum: 0, maximum: 1 });
const SiteFramework = t.Object({
  ...{ framework: t.String({ minLength: 1, maxLength: 16, pattern: '^[A-Za-z0-9 _.-]+$' }) },
  ...{ fails: Count, unknown: Count },
  /** Of the controls that apply, the part that holds or is justified; null: none applies. */
  rate: Unknowable(share),
});

/**
 * POST /agent/site: what an appliance sees of the site it stands in. Each report stands for itself: one that did not arrive is made up for by the
 * next. Lists are bounded; `left_out` says how many did not fit, the worst and the newest come first.
 */
export const SiteReport = t.Object({
  observed_at_ms: TimeMs,
  /** null: no sensors are taken on this appliance. */
  sensors: Unknowable(
    t.Object({
      states: counts(SENSOR_STATES),
      tiers: counts(CAPABILITY_TIERS),
      /** Who asks to be let in. */
      waiting: Count,
      list: t.Array(SiteSensor, { maxItems: SITE_SENSORS_MAX }),
      left_out: Count,
    }),
  ),
  /** Those that are open. */
  findings: t.Object({
    severities: counts(FINDING_SEVERITIES),
    list: t.Array(SiteFinding, { maxItems: SITE_FINDINGS_MAX }),
    left_out: Count,
  }),
  /** Those that have begun or gone on since the report before, newest first. */
  healings: t.Object({
    states: counts(SITE_HEALING_STATES),
    list: t.Array(SiteHealing, { maxItems: SITE_HEALINGS_MAX }),
    left_out: Count,
  }),
  healing: t.Object({
    mode: OneOf(SITE_HEALING_MODES),
    /** Of the coordinator's rules that are in force; null: those of the program alone. */
    rules_version: Unknowable(t.Integer({ minimum: 0 })),
  }),
  compliance: t.Array(SiteFramework, { maxItems: SITE_FRAMEWORKS_MAX }),
  /** The last record of the evidence. */
  evidence: t.Object({ chain: ChainId, seq: Count, hash: Sha256 }),
});
export type SiteReport = Static<typeof SiteReport>;

export const SiteAnswer = t.Object({ server_time_ms: TimeMs });
