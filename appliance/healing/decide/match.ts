import { linearPattern } from '../../../protocol/healing/pattern.ts';
import type { Condition, Rule } from '../../../protocol/healing/rule.ts';
import type { Detection } from '../../findings/detection.ts';

/** What a rule calls a field, in a detection; null: it has none. Pure. */
export function fieldOf(detection: Detection, field: string): string | null {
  const name = /^metadata\.(.+)$/.exec(field)?.[1];
  if (name !== undefined)
    return Object.hasOwn(detection.metadata, name) ? (detection.metadata[name] ?? null) : null;
  switch (field) {
    case 'subject':
    case 'hostname':
    case 'expected':
    case 'actual':
    case 'severity':
      return detection[field];
    case 'control':
      return detection.control;
    default:
      return null;
  }
}

/** Whether all conditions of a rule hold. Pure. */
export function holds({ conditions }: Pick<Rule, 'conditions'>, detection: Detection): boolean {
  return conditions.every((condition) => conditionHolds(condition, fieldOf(detection, condition.field)));
}

function conditionHolds(condition: Condition, found: string | null): boolean {
  if (condition.operator === 'exists') return (found !== null) === condition.value;
  if (found === null) return false;
  switch (condition.operator) {
    case 'eq':
      return equals(found, condition.value);
    case 'ne':
      return !equals(found, condition.value);
    case 'contains':
      return found.includes(condition.value);
    case 'regex':
      return patternOf(condition.value).occursIn(found);
    case 'gt':
      return (numberIn(found) ?? Number.NaN) > condition.value;
    case 'lt':
      return (numberIn(found) ?? Number.NaN) < condition.value;
    case 'in':
      return condition.value.includes(found);
    case 'not_in':
      return !condition.value.includes(found);
  }
}

function equals(found: string, value: string | number): boolean {
  return typeof value === 'number' ? numberIn(found) === value : found === value;
}

/** A decimal number and nothing else: `91`, `-0.5`; not `91 %`, and not the empty text, which is no zero. */
function numberIn(text: string): number | null {
  return /^\s*-?\d{1,15}(\.\d{1,15})?\s*$/.test(text) ? Number(text) : null;
}

/** A pattern takes longer to make than to run. Those of one rule set are few; of sets before it nothing is kept. */
const patterns = new Map<string, ReturnType<typeof linearPattern>>();
const PATTERNS_MAX = 1_000;

function patternOf(source: string): ReturnType<typeof linearPattern> {
  const known = patterns.get(source);
  if (known) return known;
  if (patterns.size >= PATTERNS_MAX) patterns.clear();
  const made = linearPattern(source);
  patterns.set(source, made);
  return made;
}
