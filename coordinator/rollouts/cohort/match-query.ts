import { compareVersions, isVersion, type Version } from '../version.ts';
import type { Comparison, FactValue, Field, Query, QueryValue, Subject } from './query.ts';

/** Whether an appliance is one of those that the query is about. Pure and total: no query and no appliance makes it throw. */
export function matchesQuery(query: Query, subject: Subject): boolean {
  switch (query.kind) {
    case 'all':
      return true;
    case 'and':
      return query.parts.every((part) => matchesQuery(part, subject));
    case 'or':
      return query.parts.some((part) => matchesQuery(part, subject));
    case 'not':
      return !matchesQuery(query.part, subject);
    case 'exists':
      return readField(query.field, subject) !== undefined;
    case 'compare':
      return compare(query.field, query.operator, query.value, subject);
    case 'among': {
      const among = query.values.some((value) => compare(query.field, 'eq', value, subject));
      return among === (query.operator === 'in');
    }
  }
}

function compare(field: Field, operator: Comparison, wanted: QueryValue, subject: Subject): boolean {
  const has = readField(field, subject);
  if (operator === 'ne') return has !== wanted;
  if (has === undefined) return false;
  switch (operator) {
    case 'eq':
      return has === wanted;
    case 'contains':
      return typeof has === 'string'
        ? typeof wanted === 'string' && has.includes(wanted)
        : Array.isArray(has) && has.includes(wanted);
    case 'gt':
      return order(field, has, wanted) > 0;
    case 'lt':
      return order(field, has, wanted) < 0;
  }
}

/** 0 for what has no order. */
function order(field: Field, has: FactValue, wanted: QueryValue): number {
  if (field.of === 'version') {
    return isVersion(has) && isVersion(wanted) ? compareVersions(has, wanted) : 0;
  }
  return typeof has === 'number' && typeof wanted === 'number' ? has - wanted : 0;
}

function readField(field: Field, subject: Subject): FactValue | Version | undefined {
  switch (field.of) {
    case 'id':
      return subject.id;
    case 'version':
      return subject.version ?? undefined;
    case 'hardware':
      return subject.hardware ?? undefined;
    case 'tag':
      return own(subject.tags, field.name);
    case 'fact':
      return own(subject.facts, field.name);
  }
}

/** A fact called `constructor` is not there because every object has one. */
function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
