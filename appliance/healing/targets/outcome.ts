import type { Detection } from '../../findings/detection.ts';
import { DETECTION_TEXT_MAX_CHARS } from './limits.ts';

/** What one check came to. */
export interface Outcome {
  passed: boolean;
  expected: string;
  actual: string;
  severity: Detection['severity'];
  metadata: Readonly<Record<string, string>>;
}

/** Who was looked at. */
export interface Subject {
  /** As in the configuration; findings call it `t-NAME`. */
  name: string;
  address: string;
}

/** The detection of an outcome. What another machine said is cut and stripped of control characters. */
export function detectionOf(
  subject: Subject,
  check_type: string,
  outcome: Outcome,
  now: () => Date,
): Detection {
  return {
    subject: `t-${subject.name}`,
    hostname: subject.address,
    check_type,
    passed: outcome.passed,
    expected: plainText(outcome.expected),
    actual: plainText(outcome.actual),
    control: null,
    severity: outcome.severity,
    at_s: Math.floor(now().getTime() / 1000),
    metadata: Object.fromEntries(
      Object.entries(outcome.metadata).map(([name, value]) => [name, plainText(value)]),
    ),
  };
}

/** One line of printable text of bounded length. */
export function plainText(text: string, max_chars = DETECTION_TEXT_MAX_CHARS): string {
  const line = text.replace(/\p{C}+/gu, ' ').trim();
  return line.length <= max_chars ? line : `${line.slice(0, max_chars - 1)}…`;
}

/** `a, b and 3 more`. */
export function namesOf(names: readonly string[], shown = 5): string {
  const rest = names.length - shown;
  return rest > 0 ? `${names.slice(0, shown).join(', ')} and ${rest} more` : names.join(', ');
}
