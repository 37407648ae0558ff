import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Condition, Rule } from '../../../protocol/healing/rule.ts';
import { exampleDetection, NOON_S } from '../../findings/lab/detections.ts';
import { actionFacts, type CapabilityTier, tierAllows } from '../actions.ts';
import { exampleRule } from '../lab/example-rule.ts';
import { FLAP_ACTS_MAX, REFUSED_PAUSE_S } from '../limits.ts';
import {
  type Decision,
  decide,
  flapWindow_s,
  type PastHealing,
  type Situation,
  type Stop,
} from './decide.ts';
import { holds } from './match.ts';
import { ACTED_STATES, HEALING_STATES, isOver, nextState, TRANSITIONS } from './states.ts';

const rule = exampleRule;
const situation = (changed: Partial<Situation> = {}): Situation => ({
  ...{ detection: exampleDetection(), opened: true, rules: [rule()], mode: 'on', history: [], stop: null },
  subject: { platform: 'linux', tier: 'self_heal', reachable: true },
  now_s: NOON_S,
  ...changed,
});
const past = (changed: Partial<PastHealing> = {}): PastHealing => ({
  ...{ rule_id: 'firewall', state: 'not_healed', dry_run: false, at_s: NOON_S - 1000, ended_s: NOON_S - 990 },
  ...changed,
});
const acts = (count: number, changed: Partial<PastHealing> = {}) =>
  Array.from({ length: count }, (_, index) =>
    past({ at_s: NOON_S - 1000 * (index + 1), ended_s: NOON_S - 1000 * (index + 1) + 10, ...changed }),
  );
const said = (decision: Decision) =>
  decision.do === 'nothing'
    ? decision.reason
    : decision.do === 'stop'
      ? `stop: ${decision.why}`
      : decision.do;
const stop: Stop = {
  ...{
    why: 'flapping',
    since_s: NOON_S - 100_000,
    last_bad_s: NOON_S - 90_000,
    quiet_s: 86_400,
    lifted_s: null,
  },
};

test.each<[string, Partial<Situation>, string]>([
  ['that a rule is for is healed', {}, 'heal'],
  ['is only written down in a dry run', { mode: 'dry_run' }, 'dry_run'],
  ['is left alone while healing is off', { mode: 'off' }, 'off'],
  ['that passed is left alone', { detection: exampleDetection({ passed: true }) }, 'passed'],
  ['of a machine that nobody knows is left alone', { subject: null }, 'subject_unknown'],
  ['that no rule is for is left alone', { detection: exampleDetection({ check_type: 'users' }) }, 'no_rule'],
  ['is left alone when its rule is disabled', { rules: [rule({ enabled: false })] }, 'no_rule'],
  [
    'of another platform is left alone',
    { subject: { platform: 'windows', tier: 'full_remediation', reachable: true } },
    'no_rule',
  ],
  [
    'of a machine that is only watched is left alone',
    { subject: { platform: 'linux', tier: 'monitor_only', reachable: true } },
    'tier',
  ],
  [
    'whose rule needs more than the machine allows is left alone',
    { rules: [rule({ tier: 'full_remediation' })] },
    'tier',
  ],
  [
    'whose action needs more than its rule says is left alone',
    { rules: [rule({ action: 'harden_ssh' })] },
    'tier',
  ],
  [
    'of a machine that is not there waits',
    { subject: { platform: 'linux', tier: 'self_heal', reachable: false } },
    'unreachable',
  ],
  [
    'that brings a value which does not fit is left alone',
    {
      rules: [rule({ action: 'start_service', params: { service: { from: 'actual' } } })],
      detection: exampleDetection({ actual: 'a; reboot' }),
    },
    'values',
  ],
  [
    'that brings no value where one is needed is left alone',
    { rules: [rule({ action: 'start_service', params: { service: { from: 'metadata.service' } } })] },
    'values',
  ],
  [
    'that is being healed is left alone',
    { history: [past({ state: 'acting', ended_s: null })] },
    'under_way',
  ],
  [
    'waits for the cooldown of the attempt before',
    { history: [past({ ended_s: NOON_S - 599 })] },
    'cooldown',
  ],
  ['is tried again behind the cooldown', { history: [past({ ended_s: NOON_S - 600 })] }, 'heal'],
  [
    'waits also when the clock was set back a little',
    { history: [past({ at_s: NOON_S + 50, ended_s: NOON_S + 60 })] },
    'cooldown',
  ],
  [
    'waits for the cooldown behind a refusal, too',
    {
      history: [
        past({ state: 'refused', ended_s: NOON_S - REFUSED_PAUSE_S }),
        past({ ended_s: NOON_S - 300 }),
      ],
    },
    'cooldown',
  ],
  [
    'that was refused is asked for again a minute later',
    { history: [past({ state: 'refused', ended_s: NOON_S - REFUSED_PAUSE_S })] },
    'heal',
  ],
  [
    'is healed without waiting for a dry run',
    { history: [past({ state: 'refused', dry_run: true, ended_s: NOON_S - 1 })] },
    'heal',
  ],
  [
    'is written down once a cooldown in a dry run',
    { mode: 'dry_run', history: [past({ state: 'refused', dry_run: true, ended_s: NOON_S - 599 })] },
    'cooldown',
  ],
  ['that was tried as often as it may is given up', { history: acts(3) }, 'stop: gave_up'],
  [
    'is not given up because of attempts before it was healed',
    {
      history: [
        ...acts(2),
        past({ state: 'healed', at_s: NOON_S - 5000, ended_s: NOON_S - 4990 }),
        ...acts(1),
      ],
    },
    'heal',
  ],
  [
    'that was healed again and again is given up',
    { history: acts(FLAP_ACTS_MAX, { state: 'healed' }) },
    'stop: flapping',
  ],
  [
    'is not given up because of what was long ago',
    { history: acts(FLAP_ACTS_MAX, { state: 'healed', at_s: NOON_S - 86_400, ended_s: NOON_S - 86_000 }) },
    'heal',
  ],
  ['is left alone while it is stopped', { stop, opened: false }, 'stopped'],
  [
    'is left alone while it was not quiet for long enough',
    { stop: { ...stop, last_bad_s: NOON_S - 86_399 } },
    'stopped',
  ],
  ['is healed again behind a quiet time', { stop, history: acts(FLAP_ACTS_MAX) }, 'heal'],
  [
    'is healed again when a person has said so',
    { stop: { ...stop, lifted_s: NOON_S - 500 }, history: acts(FLAP_ACTS_MAX) },
    'heal',
  ],
])('a failing check %s', (_, changed, expected) => {
  expect(said(decide(situation(changed)))).toBe(expected);
});

test('of several rules the highest number counts, of equal ones the first id, and one above the tier does not hide one below', () => {
  const chosen = (rules: Rule[]) => {
    const decision = decide(situation({ rules }));
    return decision.do === 'heal' ? decision.plan.rule.id : said(decision);
  };
  expect(chosen([rule({ id: 'low' }), rule({ id: 'high', priority: 20 })])).toBe('high');
  expect(chosen([rule({ id: 'b' }), rule({ id: 'a' })])).toBe('a');
  expect(chosen([rule({ id: 'low' }), rule({ id: 'high', priority: 20, tier: 'full_remediation' })])).toBe(
    'low',
  );
});

test('a plan has the values of rule and detection, and knows when it is the last attempt', () => {
  const rules = [
    rule({ action: 'start_service', params: { service: { from: 'metadata.service' } }, retries: 1 }),
  ];
  const detection = exampleDetection({ metadata: { service: 'chrony' } });
  const first = decide(situation({ rules, detection }));
  expect(first).toMatchObject({
    plan: { action: 'start_service', params: { service: 'chrony' }, attempt: 1, last: false },
  });
  expect(decide(situation({ rules, detection, history: acts(1) }))).toMatchObject({
    plan: { attempt: 2, last: true },
  });
});

describe('a condition', () => {
  const detection = exampleDetection({
    actual: 'firewall: stopped',
    severity: 'high',
    metadata: { used: '91.5', empty: '' },
  });
  test.each<[Condition, boolean]>([
    [{ field: 'severity', operator: 'eq', value: 'high' }, true],
    [{ field: 'metadata.used', operator: 'eq', value: 91.5 }, true],
    [{ field: 'severity', operator: 'ne', value: 'high' }, false],
    [{ field: 'metadata.none', operator: 'ne', value: 'x' }, false],
    [{ field: 'actual', operator: 'contains', value: 'stop' }, true],
    [{ field: 'actual', operator: 'regex', value: ': (stopped|dead)$' }, true],
    [{ field: 'actual', operator: 'regex', value: '^stopped' }, false],
    [{ field: 'metadata.used', operator: 'gt', value: 90 }, true],
    [{ field: 'metadata.used', operator: 'gt', value: 91.5 }, false],
    [{ field: 'metadata.used', operator: 'lt', value: 100 }, true],
    [{ field: 'metadata.empty', operator: 'lt', value: 100 }, false],
    [{ field: 'actual', operator: 'gt', value: -1 }, false],
    [{ field: 'hostname', operator: 'in', value: ['till-1', 'till-2'] }, true],
    [{ field: 'hostname', operator: 'not_in', value: ['till-1'] }, false],
    [{ field: 'metadata.none', operator: 'not_in', value: ['x'] }, false],
    [{ field: 'metadata.empty', operator: 'exists', value: true }, true],
    [{ field: 'metadata.none', operator: 'exists', value: false }, true],
    [{ field: 'metadata.toString', operator: 'exists', value: true }, false],
    [{ field: 'control', operator: 'exists', value: false }, false],
  ])('%o is %s', (condition, expected) => {
    expect(holds({ conditions: [condition] }, detection)).toBe(expected);
  });

  test('has to hold together with all others', () => {
    const good: Condition = { field: 'severity', operator: 'eq', value: 'high' };
    expect(
      holds({ conditions: [good, { field: 'severity', operator: 'eq', value: 'low' }] }, detection),
    ).toBe(false);
  });
});

describe('the states of a healing', () => {
  test('lead from what acted to an end by a second look alone', () => {
    for (const state of HEALING_STATES)
      for (const [event, next] of Object.entries(TRANSITIONS[state]))
        if (next === 'healed') expect([state, event]).toEqual(['verifying', 'passed']);
    expect(HEALING_STATES.filter(isOver)).toEqual(['healed', 'not_healed', 'gave_up', 'refused']);
    expect(ACTED_STATES).not.toContain('refused');
  });

  test('take nothing that does not belong to them', () => {
    expect(() => nextState('acting', 'passed')).toThrowError(
      expect.objectContaining({ code: 'HEALING_STATE' }),
    );
    expect(() => nextState('healed', 'begin')).toThrowError(
      expect.objectContaining({ code: 'HEALING_STATE' }),
    );
  });
});

/** A machine that is looked at again and again, with what is decided about it really happening. */
function live(plan: {
  rules: Rule[];
  tier: CapabilityTier;
  looks: { after_s: number; passed: boolean; heals: boolean; off: boolean }[];
}) {
  const history: PastHealing[] = [];
  let held = null as Stop | null;
  let failing = false;
  let now_s = NOON_S;
  const done: { at_s: number; rule: Rule; attempt: number; off: boolean; quiet_s: number }[] = [];
  for (const { after_s, passed, heals, off } of plan.looks) {
    now_s += after_s;
    if (held !== null && failing) held = { ...held, last_bad_s: now_s };
    const decision: Decision = decide({
      ...{
        detection: exampleDetection({ passed }),
        opened: !failing,
        rules: plan.rules,
        history,
        stop: held,
        now_s,
      },
      ...{ mode: off ? 'off' : 'on', subject: { platform: 'linux', tier: plan.tier, reachable: true } },
    });
    failing = !passed;
    if (decision.do === 'stop')
      held = {
        why: decision.why,
        since_s: now_s,
        last_bad_s: now_s,
        quiet_s: decision.quiet_s,
        lifted_s: null,
      };
    if (decision.do !== 'heal') continue;
    if (decision.lifts_stop && held !== null) held = { ...held, lifted_s: now_s - 1 };
    const { rule, attempt, last } = decision.plan;
    done.push({ at_s: now_s, rule, attempt, off, quiet_s: flapWindow_s(rule) });
    const state = heals ? 'healed' : last ? 'gave_up' : 'not_healed';
    history.unshift({ rule_id: rule.id, state, dry_run: false, at_s: now_s, ended_s: now_s });
    if (state === 'gave_up')
      held = {
        why: 'gave_up',
        since_s: now_s,
        last_bad_s: now_s,
        quiet_s: flapWindow_s(rule),
        lifted_s: null,
      };
    if (heals) failing = false;
  }
  return { done, held };
}

describe('whatever happens', () => {
  const cooldown_s = fc.constantFrom(60, 300, 3600, 86_400);
  const rules = fc
    .array(
      fc.record({
        cooldown_s,
        retries: fc.nat(3),
        action: fc.constantFrom('enable_firewall', 'harden_ssh'),
        tier: fc.constantFrom('self_heal' as const, 'full_remediation' as const),
        priority: fc.nat(5),
      }),
      { minLength: 1, maxLength: 3 },
    )
    .map((list) => list.map((changed: Partial<Rule>, index) => rule({ ...changed, id: `rule-${index}` })));
  // Mostly trouble that comes back: a life in which all goes well comes to no limit.
  const often = (value: boolean) => fc.constantFrom(value, value, value, value, !value);
  const look = fc.record({
    after_s: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 30, max: 4000 }) },
      { weight: 1, arbitrary: fc.integer({ min: 4000, max: 100_000 }) },
    ),
    ...{ passed: often(false), heals: often(true), off: often(false) },
  });
  const life = fc.record({
    rules,
    tier: fc.constantFrom<CapabilityTier[]>('monitor_only', 'self_heal', 'full_remediation'),
    looks: fc.array(look, { maxLength: 60 }),
  });

  test('there are never more attempts in a window than the limit, nor in a row than the rule allows', () => {
    fc.assert(
      fc.property(life, ({ rules: list, tier, looks }) => {
        const { done } = live({ rules: list, tier, looks });
        for (const [index, { at_s, attempt, rule: by, quiet_s }] of done.entries()) {
          const within = done.filter((other) => other.at_s <= at_s && other.at_s > at_s - quiet_s);
          expect(within.length).toBeLessThanOrEqual(FLAP_ACTS_MAX);
          expect(attempt).toBeLessThanOrEqual(by.retries + 1);
          const before = done[index - 1];
          if (before) expect(at_s - before.at_s).toBeGreaterThanOrEqual(by.cooldown_s);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('nothing is done above the tier of the machine, and nothing while healing is off', () => {
    fc.assert(
      fc.property(life, ({ rules: list, tier, looks }) => {
        for (const { rule: by, off } of live({ rules: list, tier, looks }).done) {
          expect(off).toBe(false);
          expect(tierAllows(tier, by.tier)).toBe(true);
          expect(by.action === 'harden_ssh' ? tierAllows(tier, actionFacts('harden_ssh').tier) : true).toBe(
            true,
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  test('a check that passes after every attempt and fails at the next look comes to the limit, however slowly it is looked at', () => {
    fc.assert(
      fc.property(cooldown_s, fc.integer({ min: 10, max: 3600 }), (cooldown, interval_s) => {
        const looks = Array.from({ length: Math.ceil((6 * (cooldown + 3600)) / interval_s) }, () => ({
          ...{ after_s: interval_s, passed: false, heals: true, off: false },
        }));
        const { done, held } = live({ rules: [rule({ cooldown_s: cooldown })], tier: 'self_heal', looks });
        expect([done.length, held?.why]).toEqual([FLAP_ACTS_MAX, 'flapping']);
      }),
      { numRuns: 60 },
    );
  });
});
