import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { MaintenanceWindow } from '../../updater/maintenance-window.ts';
import type { Appliance } from './appliance.ts';
import { parseDefinition } from './definition.ts';
import { ACTIONS, changeIntent, type RolloutAction } from './intent.ts';
import type { Policy } from './policy.ts';
import { Auditor } from './testing/auditor.ts';
import type { Box } from './testing/boxes.ts';
import { Rehearsal } from './testing/rehearsal.ts';
import { box, HOUR_MS, v } from './testing/rehearse.ts';

const START_MS = Date.parse('2026-11-23T10:00:00Z');
const MINUTE_MS = 60_000;
/** Coprime to a day, so that every hour of it is met. */
const PATIENCE_STEP_MS = 7 * HOUR_MS;
/** More than all deadlines of all stages in a row. */
const PATIENCE_STEPS = 400;

/** The first in three cases of four. */
const mostly = <T>(usual: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );

const window = mostly<MaintenanceWindow | null>(
  null,
  { start: '22:00', end: '06:00', days: ['mon', 'wed', 'sat'], zone: 'Europe/Berlin' },
  { start: '09:00', end: '12:00', days: ['mon', 'tue', 'sun'], zone: 'UTC' },
);

const definition = fc
  .record({
    version: mostly('2.0.0', '1.2.0'),
    floors: fc.uniqueArray(fc.constantFrom('1.0.0', '1.1.0', '1.2.0'), { maxLength: 2 }),
    joining: fc.constantFrom('frozen', 'open'),
    stages: fc.constantFrom(
      [{ percent: 100 }],
      [{ count: 1 }, { percent: 100 }],
      [{ percent: 20 }, { percent: 50 }, { percent: 100 }],
      [{ percent: 10 }, { count: 3 }, { percent: 60 }],
    ),
    soak_ms: fc.constantFrom(0, HOUR_MS, 30 * HOUR_MS),
    errors_max_percent: fc.constantFrom(0, 25, 50, 100),
    errors_max_count: fc.constantFrom(null, 0, 2),
    success_min_percent: fc.constantFrom(0, 60, 100),
    parallel_max: fc.integer({ min: 1, max: 5 }),
    window,
    allow_downgrade: fc.boolean(),
    order_deadline_ms: fc.constantFrom(HOUR_MS, 24 * HOUR_MS),
  })
  .map((request) =>
    parseDefinition('model', {
      ...request,
      channel: 'stable',
      compatible: ['hp-t640'],
      cohort: 'tag.ring eq "a"',
    }),
  );

const appliance: fc.Arbitrary<Partial<Appliance>> = fc.record({
  version: mostly('0.9.0', '1.0.0', '1.1.0', '1.2.0', '2.1.0').map(v),
  hardware: mostly('hp-t640', 'hp-t640', 'hp-t640', 'hp-t740'),
  tags: mostly({ ring: 'a' }, { ring: 'a' }, { ring: 'b' }),
  presence: mostly<Appliance['presence']>('online', 'online', 'stale', 'offline'),
  rejected: mostly<string[]>([], [], ['1.2.0'], ['2.0.0']).map((list) => list.map(v)),
  window,
  policy: mostly<Policy>({ kind: 'manual' }, { kind: 'manual' }, { kind: 'pinned', version: v('1.0.0') }),
});

const BOX_EVENTS = [
  ...['poll', 'boot', 'succeed', 'fail', 'roll_back', 'fall_back', 'silence', 'stale', 'speak'],
  ...['busy', 'free', 'retag', 'pin', 'remove'],
] as const;
type BoxEvent = { kind: (typeof BOX_EVENTS)[number]; box: number };
type Event = BoxEvent | { kind: 'pass'; minutes: number } | { kind: 'act'; action: RolloutAction };

/** So that not every rehearsal is cancelled before it has begun. */
const MILD = ['pause', 'resume', 'resume', 'release_brake', 'release_brake', 'retry_failed'] as const;
const BOXES_MAX = 8;
const someBox = fc.nat(BOXES_MAX - 1);
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom('poll', 'boot', 'succeed', 'succeed'), box: someBox }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom(...BOX_EVENTS, 'retag'), box: someBox }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass'), minutes: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pass'), minutes: fc.nat(40 * 60) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('act'), action: fc.constantFrom(...ACTIONS, ...MILD) }),
  },
);

function happen(rehearsal: Rehearsal, auditor: Auditor, occurrence: Event): void {
  if (occurrence.kind === 'pass') {
    rehearsal.now_ms += occurrence.minutes * MINUTE_MS;
  } else if (occurrence.kind === 'act') {
    attempt(rehearsal, occurrence.action);
  } else {
    const able = [...rehearsal.boxes.values()].filter((box) => canBefall(box, occurrence.kind));
    const one = able[occurrence.box % able.length];
    if (one) befall(rehearsal, auditor, one, occurrence.kind);
  }
}

/** What happens, happens to one that it can happen to, so that rehearsals get somewhere. */
function canBefall({ order, known }: Box, kind: BoxEvent['kind']): boolean {
  switch (kind) {
    case 'poll':
      return order?.fate === 'queued' && known.presence === 'online';
    case 'boot':
    case 'succeed':
    case 'fail':
    case 'roll_back':
      return order?.fate === 'handed_out' && order.ended_ms === null;
    case 'fall_back':
      return order?.state === 'succeeded';
    case 'speak':
      return known.presence !== 'online';
    default:
      return true;
  }
}

/** An action that is refused changes nothing. */
function attempt(rehearsal: Rehearsal, action: RolloutAction): void {
  const { intent } = rehearsal;
  try {
    rehearsal.intent = changeIntent(intent, action, rehearsal.phase);
  } catch (error) {
    expect(error).toMatchObject({ code: 'ROLLOUT_ACTION_REFUSED' });
    expect(rehearsal.intent).toBe(intent);
  }
}

function befall(rehearsal: Rehearsal, auditor: Auditor, one: Box, kind: BoxEvent['kind']): void {
  const before = one.order?.ended_ms ?? null;
  const { version: ran } = one.known;
  switch (kind) {
    case 'poll':
      one.poll();
      break;
    case 'boot':
      one.boot();
      break;
    case 'succeed':
    case 'fail':
    case 'roll_back':
      one.finish(kind, rehearsal.now_ms);
      break;
    case 'fall_back':
      one.fallBack();
      if (ran !== null && one.known.version !== ran) auditor.noteFall(one.known.id, ran);
      break;
    case 'silence':
      one.silence();
      break;
    case 'stale':
      one.silence('stale');
      break;
    case 'speak':
      one.speak(rehearsal.now_ms);
      break;
    case 'busy':
    case 'free':
      one.known = { ...one.known, free: kind === 'free' };
      break;
    case 'retag':
      one.known = { ...one.known, tags: { ring: one.known.tags['ring'] === 'a' ? 'b' : 'a' } };
      break;
    case 'pin':
      one.known = { ...one.known, policy: { kind: 'pinned', version: v('1.0.0') } };
      break;
    case 'remove':
      rehearsal.boxes.delete(one.known.id);
      auditor.noteRemoval();
      break;
  }
  const { order } = one;
  if (order && before === null && order.ended_ms !== null && order.state !== 'succeeded') {
    auditor.noteFailure(order);
  }
}

function begin(request: ReturnType<typeof parseDefinition>, fleet: readonly Partial<Appliance>[]) {
  const boxes = fleet.map((change, index) => box(`box-${index}`, change));
  const rehearsal = new Rehearsal(request, boxes, START_MS);
  return { rehearsal, auditor: new Auditor(rehearsal) };
}

const fleets = fc.array(appliance, { minLength: 1, maxLength: BOXES_MAX, size: 'max' });

test('whatever happens, every promise about orders and stages is kept', () => {
  fc.assert(
    fc.property(
      definition,
      fleets,
      fc.array(event, { maxLength: 80, size: 'max' }),
      (request, fleet, events) => {
        const { rehearsal, auditor } = begin(request, fleet);
        auditor.settle();
        rehearsal.act('approve');
        auditor.settle();
        for (const occurrence of events) {
          happen(rehearsal, auditor, occurrence);
          auditor.settle();
        }
      },
    ),
    { numRuns: 80 },
  );
});

test('every rollout comes to an end, or stands at the brake for an operator', () => {
  const habit = fc.constantFrom('succeed', 'succeed', 'succeed', 'fail', 'roll_back', 'mute', 'take', 'flap');
  fc.assert(
    fc.property(
      definition,
      fleets,
      fc.array(event, { maxLength: 30, size: 'max' }),
      fc.array(habit, { minLength: BOXES_MAX, maxLength: BOXES_MAX }),
      (request, fleet, events, habits) => {
        const { rehearsal, auditor } = begin(request, fleet);
        rehearsal.act('approve');
        for (const occurrence of events) {
          happen(rehearsal, auditor, occurrence);
          auditor.settle();
        }
        attempt(rehearsal, 'resume');
        let steps = 0;
        while (!['completed', 'cancelled', 'rolled_back', 'braked'].includes(auditor.settle().phase)) {
          steps += 1;
          expect(steps, `${rehearsal.phase} for ever`).toBeLessThan(PATIENCE_STEPS);
          rehearsal.now_ms += PATIENCE_STEP_MS;
          [...rehearsal.boxes.values()].forEach((one, index) => {
            live(rehearsal, auditor, one, habits[index] ?? 'mute', steps);
          });
        }
      },
    ),
    { numRuns: 60 },
  );
});

function live(rehearsal: Rehearsal, auditor: Auditor, one: Box, habit: string, turn: number): void {
  if (habit === 'mute') return;
  if (habit === 'take') {
    befall(rehearsal, auditor, one, 'poll');
    if (one.order?.fate === 'handed_out') befall(rehearsal, auditor, one, 'silence');
    return;
  }
  if (habit === 'flap') {
    befall(rehearsal, auditor, one, turn % 2 === 0 ? 'speak' : 'silence');
    return;
  }
  befall(rehearsal, auditor, one, 'free');
  befall(rehearsal, auditor, one, 'speak');
  befall(rehearsal, auditor, one, 'poll');
  if (habit === 'succeed' || habit === 'fail' || habit === 'roll_back') {
    befall(rehearsal, auditor, one, habit);
  }
}

test('with appliances that do as they are told, everyone who needs it and can take it gets the release', {
  timeout: 200_000,
}, () => {
  fc.assert(
    fc.property(definition, fleets, (request, fleet) => {
      // Windows that never overlap, or are too short for everyone, are a mistake that no planner can mend.
      const patient = { ...request, window: null };
      const ready = fleet.map((change) => ({ ...change, window: null, presence: 'online' as const }));
      const { rehearsal, auditor } = begin(patient, ready);
      rehearsal.act('approve');
      const wanted = [...rehearsal.boxes.values()].filter(({ known }) => isInNeed(known, request));
      for (let turn = 0; turn < PATIENCE_STEPS && auditor.settle().phase === 'running'; turn += 1) {
        rehearsal.now_ms += HOUR_MS;
        for (const one of rehearsal.boxes.values()) live(rehearsal, auditor, one, 'succeed', turn);
      }
      expect(rehearsal.phase).toBe('completed');
      const last = request.stages.at(-1);
      if (last && 'percent' in last && last.percent === 100) {
        for (const one of wanted) expect(one.known.version).toBe(request.version);
      }
    }),
    { numRuns: 60 },
  );
});

/** By the words of the definition, not by the planner's. */
function isInNeed(known: Box['known'], request: ReturnType<typeof parseDefinition>): boolean {
  const { tags, hardware, policy, rejected, version: running } = known;
  const up = running !== null && Bun.semver.order(running, request.version) < 0;
  return (
    tags['ring'] === 'a' &&
    hardware === 'hp-t640' &&
    policy.kind === 'manual' &&
    rejected.length === 0 &&
    (up || request.allow_downgrade)
  );
}
