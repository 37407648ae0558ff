import { RE2JS } from 're2js';
import { BulkheadError } from '../../base/errors.ts';
import { PATTERN_COST_MAX, PATTERN_MAX } from './limits.ts';

/** A pattern that says whether it occurs in a text, in a time that is linear in the text. */
export interface LinearPattern {
  occursIn(text: string): boolean;
}

/**
 * A pattern in the syntax of RE2 (https://github.com/google/re2/wiki/Syntax): no back references and no looking around, so it can be run as
 * an automaton that never goes back. Whoever writes a rule, and whoever writes the text that it is held against, cannot stop the appliance.
 *
 * @throws BulkheadError HEALING_PATTERN
 */
export function linearPattern(source: string): LinearPattern {
  if (source.length > PATTERN_MAX) throw refused(source, `it has more than ${PATTERN_MAX} characters`);
  const counts = [...source.matchAll(/\{(\d+)(?:,(\d*))?\}/g)];
  const product = counts.reduce((size, [, from, to]) => size * Math.max(1, Number(to || from)), 1);
  if (product * source.length > PATTERN_COST_MAX) throw refused(source, 'its counts are too large');
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(source);
  } catch (cause) {
    throw refused(source, cause instanceof Error ? cause.message : String(cause));
  }
  return { occursIn: (text) => compiled.test(text) };
}

function refused(source: string, why: string): BulkheadError {
  return new BulkheadError('HEALING_PATTERN', `the pattern '${source.slice(0, 80)}' is refused: ${why}`, {
    hint: 'patterns are those of RE2: no back references, no looking ahead or behind, small counts',
  });
}
