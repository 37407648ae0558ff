import type { Detection } from '../../findings/detection.ts';
import type { StopReason } from '../decide/decide.ts';

const PREFIX = 'healing.';
const CHECK_TYPE_MAX = 64;

/**
 * That healing has come to its limit at a check is a finding of its own, at the same machine: it stays when the check passes for a while.
 *
 * @param why null: it goes on
 */
export function limitFinding(
  seen: Detection,
  rule_id: string,
  why: StopReason | null,
  at_s: number,
): Detection {
  const { subject, hostname, check_type } = seen;
  const actual = {
    flapping: `${rule_id} was carried out again and again, and the check fails again: something puts it wrong`,
    gave_up: `${rule_id} was tried as often as it may, and the check still fails`,
    none: 'healing goes on',
  }[why ?? 'none'];
  return {
    ...{
      subject,
      hostname,
      check_type: (PREFIX + check_type).slice(0, CHECK_TYPE_MAX),
      passed: why === null,
    },
    ...{ expected: `healing of ${check_type} keeps`, actual, control: null, severity: 'high', at_s },
    metadata: why === null ? {} : { rule: rule_id, why },
  };
}
