import type { Version } from '../version.ts';

/**
 * Which appliances a rollout is about. The language, as operators write it:
 *
 * ```
 * query      = all | or
 * or         = and { "or" and }
 * and        = unary { "and" unary }
 * unary      = "not" unary | "(" or ")" | comparison
 * comparison = field ( "eq" | "ne" | "contains" | "gt" | "lt" ) value
 *            | field ( "in" | "not_in" ) "[" value { "," value } "]"
 *            | field "exists"
 * field      = "id" | "version" | "hardware" | "tag." name | "fact." name
 * name       = letters, digits and . _ - : / or a text in quotes
 * value      = "text" | number | true | false
 * ```
 *
 * A query has two outcomes, never a third: what an appliance does not have equals nothing, contains nothing and is neither greater nor
 * less. So `ne` and `not_in` are the exact opposites of `eq` and `in`, and hold for an appliance without the tag.
 */
export type Query =
  | { kind: 'all' }
  | { kind: 'and' | 'or'; parts: readonly Query[] }
  | { kind: 'not'; part: Query }
  | { kind: 'exists'; field: Field }
  | { kind: 'compare'; field: Field; operator: Comparison; value: QueryValue }
  | { kind: 'among'; field: Field; operator: Membership; values: readonly QueryValue[] };

export type Field =
  | { of: 'id' | 'version' | 'hardware' }
  /** Tags are texts that operators give. */
  | { of: 'tag'; name: string }
  /** Facts are what the appliance reports of itself. */
  | { of: 'fact'; name: string };

export const COMPARISONS = ['eq', 'ne', 'contains', 'gt', 'lt'] as const;
export type Comparison = (typeof COMPARISONS)[number];
export const MEMBERSHIPS = ['in', 'not_in'] as const;
export type Membership = (typeof MEMBERSHIPS)[number];

export type QueryValue = string | number | boolean;
export type FactValue = QueryValue | readonly QueryValue[];

/** What a query can ask about. */
export interface Subject {
  id: string;
  version: Version | null;
  hardware: string | null;
  tags: Readonly<Record<string, string>>;
  facts: Readonly<Record<string, FactValue>>;
}

const PLAIN_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.:/-]*$/;

/** The query as text that parses to the same query. */
export function formatQuery(query: Query): string {
  switch (query.kind) {
    case 'all':
      return 'all';
    case 'and':
    case 'or':
      return query.parts.map(bracketed).join(` ${query.kind} `);
    case 'not':
      return `not ${bracketed(query.part)}`;
    case 'exists':
      return `${formatField(query.field)} exists`;
    case 'compare':
      return `${formatField(query.field)} ${query.operator} ${JSON.stringify(query.value)}`;
    case 'among':
      return `${formatField(query.field)} ${query.operator} [${query.values.map((value) => JSON.stringify(value)).join(', ')}]`;
  }
}

function bracketed(query: Query): string {
  return query.kind === 'and' || query.kind === 'or' ? `(${formatQuery(query)})` : formatQuery(query);
}

function formatField(field: Field): string {
  if (!('name' in field)) return field.of;
  return `${field.of}.${PLAIN_NAME.test(field.name) ? field.name : JSON.stringify(field.name)}`;
}
