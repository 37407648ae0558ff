import { type Static, Type as t } from '@sinclair/typebox';
import { BulkheadError, describeError } from '../../base/errors.ts';
import { OneOf } from '../../base/schema.ts';
import { type ActionParameter, actionFacts, checkAction, isActionName, PLATFORMS } from './actions.ts';
import * as limits from './limits.ts';
import { linearPattern } from './pattern.ts';
import { tierAllows } from './tier.ts';

const strict = { additionalProperties: false } as const;

/** What of a detection a rule may look at. */
const Field = t.String({
  maxLength: 80,
  pattern: '^(subject|hostname|expected|actual|control|severity|metadata\\.[A-Za-z0-9_.-]{1,64})$',
  description: 'subject, hostname, expected, actual, control, severity, or metadata.NAME',
});
const Text = t.String({ maxLength: limits.VALUE_MAX });

/**
 * One thing that has to hold. A field that the detection does not have makes everything false but `exists: false`, also `ne` and `not_in`: on
 * what is not known nothing is done.
 */
export const Condition = t.Union([
  t.Object({ field: Field, operator: OneOf(['eq', 'ne']), value: t.Union([Text, t.Number()]) }, strict),
  t.Object(
    {
      field: Field,
      operator: OneOf(['contains', 'regex']),
      value: t.String({ minLength: 1, maxLength: limits.VALUE_MAX }),
    },
    strict,
  ),
  t.Object({ field: Field, operator: OneOf(['gt', 'lt']), value: t.Number() }, strict),
  t.Object(
    {
      field: Field,
      operator: OneOf(['in', 'not_in']),
      value: t.Array(Text, { minItems: 1, maxItems: limits.VALUES_MAX }),
    },
    strict,
  ),
  t.Object({ field: Field, operator: t.Literal('exists'), value: t.Boolean() }, strict),
]);
export type Condition = Static<typeof Condition>;

/** A value of an action: written in the rule, or taken out of the detection where the action allows it. */
const ParamValue = t.Union([t.String({ maxLength: limits.VALUE_MAX }), t.Object({ from: Field }, strict)]);

export const RuleId = t.String({ pattern: '^[a-z0-9][a-z0-9-]{2,63}$' });

/** When something was detected, what is done about it. */
export const Rule = t.Object(
  {
    id: RuleId,
    title: t.String({ minLength: 1, maxLength: limits.TEXT_MAX }),
    enabled: t.Boolean(),
    check_type: t.String({ pattern: '^[a-z0-9_.-]{1,64}$' }),
    platform: OneOf(PLATFORMS),
    /** All of them have to hold. */
    conditions: t.Array(Condition, { maxItems: limits.CONDITIONS_MAX }),
    action: t.String({ pattern: '^[a-z0-9_]{1,64}$' }),
    params: t.Record(t.String({ pattern: '^[a-z0-9_]{1,64}$' }), ParamValue),
    /** Of several rules that fit, the one with the highest number is taken; of equal ones the first by id. */
    priority: t.Integer({ minimum: 0, maximum: limits.PRIORITY_MAX }),
    /** From the end of one attempt to the next, whatever rule it was. */
    cooldown_s: t.Integer({ minimum: limits.COOLDOWN_MIN_S, maximum: limits.COOLDOWN_MAX_S }),
    /** Attempts after the first that did not heal. */
    retries: t.Integer({ minimum: 0, maximum: limits.RETRIES_MAX }),
    /** How long what was done takes to show, before the second look. */
    settle_s: t.Integer({ minimum: 0, maximum: limits.SETTLE_MAX_S }),
    /** At least that of the action. */
    tier: OneOf(['self_heal', 'full_remediation']),
  },
  strict,
);
export type Rule = Static<typeof Rule>;

/**
 * What is wrong with a rule beyond its form: an action that does not exist, values that do not fit it, patterns.
 *
 * @returns one line for each problem, empty: it can be used. Pure.
 */
export function ruleProblems(rule: Rule): string[] {
  const problems: string[] = [];
  const note = (work: () => void) => {
    try {
      work();
    } catch (error) {
      problems.push(`${rule.id}: ${describeError(error)}`);
    }
  };
  for (const { operator, value } of rule.conditions)
    if (operator === 'regex') note(() => linearPattern(String(value)));
  note(() => checkActionOf(rule));
  return problems;
}

/** @throws BulkheadError HEALING_ACTION_*, HEALING_RULE_TIER, HEALING_RULE_SOURCE */
function checkActionOf({ action, platform, params, tier }: Rule): void {
  const known = isActionName(action) ? actionFacts(action) : null;
  const written: Record<string, string> = {};
  for (const [key, value] of Object.entries(params)) {
    const parameter: ActionParameter | undefined = known?.params[key];
    if (typeof value === 'string') written[key] = value;
    else if (parameter === undefined) written[key] = '';
    else if (!parameter.from_detection)
      throw new BulkheadError('HEALING_RULE_SOURCE', `${action}: ${key} is never taken from a detection`);
  }
  const taken = Object.fromEntries(
    Object.entries(known?.params ?? {}).filter(([key]) => typeof params[key] === 'object'),
  );
  checkAction(action, platform, written, taken);
  if (known && !tierAllows(tier, known.tier))
    throw new BulkheadError(
      'HEALING_RULE_TIER',
      `${action} needs the tier ${known.tier}, the rule says ${tier}`,
    );
}
