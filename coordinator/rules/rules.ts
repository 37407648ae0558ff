import type { EnvelopeJson } from '../../base/signing/dsse.ts';
import { parseRuleFile, sealRuleSet } from '../../protocol/healing/rule-set.ts';
import { recordDeed } from '../audit/log.ts';
import type { Coordinator } from '../context.ts';
import { lockForAll } from '../database/lock.ts';

/** One version of the healing rules of the fleet. */
export interface RuleSetView {
  version: number;
  note: string;
  /** Ids of its rules. */
  rules: string[];
  /** Ids of built-in rules that it switches off. */
  switched_off: string[];
  published_ms: number;
  published_by: string;
}

/** Versions that a list shows; older ones are in the database. */
const LISTED = 50;

/**
 * Checks a file of rules as every appliance will, gives it the next version, signs it with the key of orders, and keeps it. Appliances fetch it
 * when they are ordered to (`sync_rules`).
 *
 * @param text YAML or JSON
 * @throws BulkheadError HEALING_RULES_INVALID, HEALING_RULES_TOO_LARGE
 */
export async function publishRules(
  coordinator: Coordinator,
  actor: string,
  text: string,
): Promise<RuleSetView> {
  const file = parseRuleFile(text);
  const published_ms = coordinator.now_ms();
  return await coordinator.doWork(async (work) => {
    await lockForAll(work);
    const { last } = await work
      .selectFrom('rule_sets')
      .select((of) => of.fn.max('version').as('last'))
      .executeTakeFirstOrThrow();
    const version = Number(last ?? 0) + 1;
    const { note, rules, switched_off } = file;
    const envelope = sealRuleSet({ format: 1, version, note, rules, switched_off }, coordinator.orderKey);
    const listed = { rules: rules.map(({ id }) => id), switched_off };
    await work
      .insertInto('rule_sets')
      .values({
        ...{ version, note, rules: JSON.stringify(listed), envelope: JSON.stringify(envelope) },
        ...{ published_ms, published_by: actor },
      })
      .execute();
    await recordDeed(work, published_ms, {
      ...{ actor, action: 'rules.publish', subject: `rules:${version}`, details: { note, ...listed } },
    });
    return { version, note, ...listed, published_ms, published_by: actor };
  });
}

/** Newest first. */
export async function listRules({ database }: Pick<Coordinator, 'database'>): Promise<RuleSetView[]> {
  const rows = await database
    .selectFrom('rule_sets')
    .select(['version', 'note', 'rules', 'published_ms', 'published_by'])
    .orderBy('version', 'desc')
    .limit(LISTED)
    .execute();
  return rows.map(({ rules, ...row }) => ({
    ...row,
    // As publishRules wrote it.
    ...(JSON.parse(rules) as Pick<RuleSetView, 'rules' | 'switched_off'>),
  }));
}

/** The newest rules as they were signed; null: none were ever published. */
export async function currentRules({
  database,
}: Pick<Coordinator, 'database'>): Promise<EnvelopeJson | null> {
  const row = await database
    .selectFrom('rule_sets')
    .select('envelope')
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ? (JSON.parse(row.envelope) as EnvelopeJson) : null;
}
