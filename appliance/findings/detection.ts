import { BulkheadError } from '../../base/errors.ts';
import {
  AT_MAX_S,
  CONTROL_MAX,
  HOSTNAME_MAX,
  METADATA_MAX,
  METADATA_MAX_ENTRIES,
  METADATA_NAME_MAX,
  METADATA_VALUE_MAX,
  TEXT_MAX,
} from './limits.ts';

export const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What was found out about one thing at one moment, whoever looked. */
export interface Detection {
  /** 'appliance', a sensor's id (`s-` and 16 hex digits) or a target (`t-NAME`). */
  subject: string;
  hostname: string;
  /** As the one who looked names it: firewall, bitlocker, patches, ssh, …; lower case [a-z0-9_.-]{1,64}. */
  check_type: string;
  passed: boolean;
  expected: string;
  actual: string;
  /** The control it speaks of, e.g. '164.312(a)(1)'; null: the register's mapping of check_type counts. */
  control: string | null;
  severity: Severity;
  /** Unix seconds as the one who looked said it. */
  at_s: number;
  metadata: Readonly<Record<string, string>>;
}

/** What became of a detection. */
export interface Receipt {
  /** `e-` and 32 hex digits: made from the detection itself, so a repetition has the same. */
  event_id: string;
  /** false: it was known already, nothing has changed. */
  first: boolean;
  /** What it did to the finding of (subject, check_type). */
  transition: 'opened' | 'still_open' | 'closed' | 'none';
}

const SUBJECT = /^(?:appliance|s-[0-9a-f]{16}|t-[a-z0-9][a-z0-9_.-]{0,62})$/;
const CHECK_TYPE = /^[a-z0-9_.-]{1,64}$/;

/**
 * Holds a detection to its form, whoever made it.
 *
 * @throws BulkheadError DETECTION_INVALID naming the field, never its value
 */
export function assertDetection(detection: Detection): void {
  const { subject, hostname, check_type, expected, actual, control, severity, at_s, metadata } = detection;
  const entries = Object.entries(metadata);
  const size = entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  const faults: readonly (readonly [boolean, string])[] = [
    [SUBJECT.test(subject), 'subject: no sensor, target or appliance'],
    [hostname.length <= HOSTNAME_MAX, `hostname: more than ${HOSTNAME_MAX} characters`],
    [CHECK_TYPE.test(check_type), 'check_type: 1 to 64 of a-z, 0-9, _ . -'],
    [expected.length <= TEXT_MAX, `expected: more than ${TEXT_MAX} characters`],
    [actual.length <= TEXT_MAX, `actual: more than ${TEXT_MAX} characters`],
    [control === null || control.length <= CONTROL_MAX, `control: more than ${CONTROL_MAX} characters`],
    [SEVERITIES.includes(severity), `severity: not one of ${SEVERITIES.join(', ')}`],
    [Number.isSafeInteger(at_s) && at_s >= 0 && at_s <= AT_MAX_S, 'at_s: no time in Unix seconds'],
    [entries.length <= METADATA_MAX_ENTRIES, `metadata: more than ${METADATA_MAX_ENTRIES} entries`],
    [
      size <= METADATA_MAX &&
        entries.every(
          ([name, value]) => name.length <= METADATA_NAME_MAX && value.length <= METADATA_VALUE_MAX,
        ),
      `metadata: a name over ${METADATA_NAME_MAX}, a value over ${METADATA_VALUE_MAX} or all over ${METADATA_MAX} characters`,
    ],
  ];
  const fault = faults.find(([right]) => !right);
  if (fault) throw new BulkheadError('DETECTION_INVALID', `the detection does not fit: ${fault[1]}`);
}
