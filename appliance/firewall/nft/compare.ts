import { type CanonicalChain, type CanonicalTable, stableJson } from './canonical.ts';
import { ruleText } from './text.ts';
import type { JsonValue } from './types.ts';

/**
 * What distinguishes a table from the one that was asked for, one sentence each; empty when they filter alike.
 *
 * @param actual null: the table does not exist
 */
export function tableDifferences(intended: CanonicalTable, actual: CanonicalTable | null): string[] {
  if (actual === null) return [`table ${intended.family} ${intended.name} does not exist`];
  const found: string[] = [];
  if (!same(intended.flags, actual.flags)) {
    found.push(
      `the table has the flags ${stableJson(actual.flags)} instead of ${stableJson(intended.flags)}`,
    );
  }
  found.push(...namedDifferences('set', intended.sets, actual.sets));
  found.push(...namedDifferences('chain', intended.chains, actual.chains, chainDifferences));
  const wanted = new Set(intended.others.map(stableJson));
  for (const other of actual.others) {
    if (!wanted.has(stableJson(other))) found.push(`unexpected object ${stableJson(other)}`);
  }
  const present = new Set(actual.others.map(stableJson));
  for (const other of intended.others) {
    if (!present.has(stableJson(other))) found.push(`missing object ${stableJson(other)}`);
  }
  return found;
}

interface Named {
  name?: JsonValue;
}

function namedDifferences<T extends Named>(
  kind: string,
  intended: readonly T[],
  actual: readonly T[],
  inside: (wanted: T, present: T) => string[] = (wanted, present) =>
    same(wanted, present) ? [] : [`${kind} ${String(wanted.name)} is ${stableJson(present as JsonValue)}`],
): string[] {
  const present = new Map(actual.map((one) => [one.name, one]));
  const wanted = new Set(intended.map((one) => one.name));
  return [
    ...intended.flatMap((one) => {
      const other = present.get(one.name);
      return other === undefined ? [`${kind} ${String(one.name)} is missing`] : inside(one, other);
    }),
    ...actual.filter((one) => !wanted.has(one.name)).map((one) => `unexpected ${kind} ${String(one.name)}`),
  ];
}

function chainDifferences(wanted: CanonicalChain, present: CanonicalChain): string[] {
  const found: string[] = [];
  if (!same(wanted.hook, present.hook)) {
    found.push(`chain ${wanted.name} is ${stableJson(present.hook)} instead of ${stableJson(wanted.hook)}`);
  }
  const missing = without(wanted.rules, present.rules);
  const extra = without(present.rules, wanted.rules);
  found.push(...missing.map((rule) => `chain ${wanted.name} lacks the rule '${ruleText(rule)}'`));
  found.push(...extra.map((rule) => `chain ${wanted.name} has the extra rule '${ruleText(rule)}'`));
  if (missing.length === 0 && extra.length === 0 && !same(wanted.rules, present.rules)) {
    found.push(`chain ${wanted.name} has its rules in another order`);
  }
  return found;
}

/** What is in `list` more often than in `taken`, as multisets: a doubled rule is an extra one. */
function without<T>(list: readonly T[], taken: readonly T[]): T[] {
  const left = new Map<string, number>();
  for (const one of taken) left.set(text(one), (left.get(text(one)) ?? 0) + 1);
  return list.filter((one) => {
    const count = left.get(text(one)) ?? 0;
    left.set(text(one), count - 1);
    return count <= 0;
  });
}

function same(a: unknown, b: unknown): boolean {
  return text(a) === text(b);
}

function text(value: unknown): string {
  return stableJson(value as JsonValue);
}
