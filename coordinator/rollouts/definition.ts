import { type Static, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { BulkheadError } from '../../base/errors.ts';
import { ReleaseVersion } from '../../updater/bundle/manifest.ts';
import { isOpen, type MaintenanceWindow, WEEKDAYS } from '../../updater/maintenance-window.ts';
import { parseQuery } from './cohort/parse-query.ts';
import type { Query } from './cohort/query.ts';
import {
  COUNT_MAX,
  DEFAULT_ERRORS_MAX_PERCENT,
  DEFAULT_ORDER_DEADLINE_MS,
  DEFAULT_PARALLEL_MAX,
  DEFAULT_SOAK_MS,
  DEFAULT_STAGE_DEADLINE_MS,
  DEFAULT_STAGES,
  DEFAULT_SUCCESS_MIN_PERCENT,
  FLOORS_MAX,
  ORDER_DEADLINE_MIN_MS,
  QUERY_MAX_CHARS,
  SPAN_MAX_MS,
  STAGES_MAX,
} from './limits.ts';
import { isVersion, type Version } from './version.ts';

const closed = { additionalProperties: false };
const Percent = t.Number({ minimum: 0, maximum: 100 });

const StageSize = t.Union([
  t.Object({ percent: t.Number({ exclusiveMinimum: 0, maximum: 100 }) }, closed),
  t.Object({ count: t.Integer({ minimum: 1, maximum: COUNT_MAX }) }, closed),
]);
/** How much of the cohort a stage reaches, the stages before it included. */
export type StageSize = Static<typeof StageSize>;

/** What an operator (or a policy) asks for. Spans of time are milliseconds. */
export const RolloutRequest = t.Object(
  {
    version: ReleaseVersion,
    channel: t.String({ pattern: '^[a-z0-9][a-z0-9-]{0,39}$' }),
    /** Hardware names of the release's manifest. */
    compatible: t.Array(t.String({ pattern: '^[a-z0-9-]{1,40}$' }), { minItems: 1, maxItems: 16 }),
    /** `auto_latest` leaves alone whom an operator wants asked. */
    origin: t.Union([t.Literal('operator'), t.Literal('auto_latest')], { default: 'operator' }),
    cohort: t.String({ maxLength: QUERY_MAX_CHARS }),
    /** `frozen`: who matches when it starts. `open`: who comes to match later joins as long as it runs. */
    joining: t.Union([t.Literal('frozen'), t.Literal('open')], { default: 'frozen' }),
    stages: t.Array(StageSize, { minItems: 1, maxItems: STAGES_MAX, default: DEFAULT_STAGES }),
    /** How long a stage is watched after the last of its appliances is done. */
    soak_ms: t.Integer({ minimum: 0, maximum: SPAN_MAX_MS, default: DEFAULT_SOAK_MS }),
    /** The brake is engaged above so many failures, in per cent of the stage's appliances, rounded down. */
    errors_max_percent: { ...Percent, default: DEFAULT_ERRORS_MAX_PERCENT },
    /** And above so many, whatever the size of the stage; null: no such limit. */
    errors_max_count: t.Union([t.Integer({ minimum: 0, maximum: COUNT_MAX }), t.Null()], { default: null }),
    /** A stage is passed with at least so many successes, in per cent of the appliances that took the order. */
    success_min_percent: { ...Percent, default: DEFAULT_SUCCESS_MIN_PERCENT },
    /** Appliances with an order at one time. */
    parallel_max: t.Integer({ minimum: 1, maximum: COUNT_MAX, default: DEFAULT_PARALLEL_MAX }),
    /** Orders are given only while it is open; null: at any time. */
    window: t.Union(
      [
        t.Object(
          {
            start: t.String(),
            end: t.String(),
            days: t.Array(t.Union(WEEKDAYS.map((day) => t.Literal(day))), { minItems: 1, maxItems: 7 }),
            zone: t.String(),
          },
          closed,
        ),
        t.Null(),
      ],
      { default: null },
    ),
    /** Versions that must not be skipped on the way. */
    floors: t.Array(ReleaseVersion, { maxItems: FLOORS_MAX, default: [] }),
    allow_downgrade: t.Boolean({ default: false }),
    /** From order to outcome; after that silence is a failure. */
    order_deadline_ms: t.Integer({
      minimum: ORDER_DEADLINE_MIN_MS,
      maximum: SPAN_MAX_MS,
      default: DEFAULT_ORDER_DEADLINE_MS,
    }),
    /** How long a stage waits for appliances that can't be given an order (silent, busy, window closed). */
    stage_deadline_ms: t.Integer({
      minimum: ORDER_DEADLINE_MIN_MS,
      maximum: SPAN_MAX_MS,
      default: DEFAULT_STAGE_DEADLINE_MS,
    }),
  },
  closed,
);

/** A rollout as the planner knows it: read once, and right ever after. */
export interface RolloutDefinition
  extends Omit<Static<typeof RolloutRequest>, 'version' | 'cohort' | 'floors' | 'window'> {
  id: string;
  version: Version;
  cohort: Query;
  floors: readonly Version[];
  window: MaintenanceWindow | null;
}

/**
 * @param id of the rollout; who stands first in line depends on it, so that it is not always the same who go first
 * @throws BulkheadError ROLLOUT_INVALID, COHORT_QUERY_INVALID
 */
export function parseDefinition(id: string, request: unknown): RolloutDefinition {
  const value: unknown = Value.Default(RolloutRequest, Value.Clone(request));
  if (!Value.Check(RolloutRequest, value)) {
    const first = Value.Errors(RolloutRequest, value).First();
    throw invalid(`${first?.path || '/'}: ${first?.message ?? 'invalid'}`);
  }
  const { version, floors, window } = value;
  if (!isVersion(version) || !floors.every(isVersion)) throw invalid('version or floors are no versions');
  refuseFallingStages(value.stages);
  if (window !== null) refuseWindow(window, value.stage_deadline_ms);
  return { ...value, id, version, floors, window, cohort: parseQuery(value.cohort) };
}

/** A stage that is no larger than the one before would pass unseen. Per cent and counts are compared among themselves. */
function refuseFallingStages(stages: readonly StageSize[]): void {
  let percent = 0;
  let count = 0;
  for (const [index, stage] of stages.entries()) {
    const rises = 'percent' in stage ? stage.percent > percent : stage.count > count;
    if (!rises) throw invalid(`/stages/${index}: no larger than the stage before`);
    if ('percent' in stage) percent = stage.percent;
    else count = stage.count;
  }
}

function refuseWindow(window: MaintenanceWindow, stage_deadline_ms: number): void {
  try {
    isOpen(window, new Date(0));
  } catch (cause) {
    throw invalid('/window: is none', { cause });
  }
  if (stage_deadline_ms < longestWait_ms(window)) {
    throw invalid('/stage_deadline_ms: would end a stage before the window has opened once', {
      hint: 'give a stage more time than lies between two openings of the window',
    });
  }
}

/** From one opening to the end of the next at most. */
function longestWait_ms({ days }: MaintenanceWindow): number {
  const begins = [...new Set(days.map((day) => WEEKDAYS.indexOf(day)))].sort((a, b) => a - b);
  const first = begins[0] ?? 0;
  const gaps = begins.map((begin, index) => (begins[index + 1] ?? first + 7) - begin);
  return (Math.max(...gaps) + 1) * 24 * 3_600_000;
}

function invalid(what: string, options: { hint?: string; cause?: unknown } = {}): BulkheadError {
  return new BulkheadError('ROLLOUT_INVALID', `the rollout can't be made: ${what}`, {
    hint: 'docs/operate/rollouts.md describes every field',
    ...options,
  });
}
