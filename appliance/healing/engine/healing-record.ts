import type { Detection } from '../../findings/detection.ts';
import type { ActionName, ActionParams } from '../actions.ts';
import { HEALING_STATES, type HealingState } from '../decide/states.ts';

/** One attempt to put right what was detected, from the first look to the second. */
export interface Healing {
  /** `h-` and 32 hex digits; a command to a sensor carries it. */
  id: string;
  /** Rises. */
  seq: number;
  subject: string;
  hostname: string;
  check_type: string;
  /** `order` where an operator has ordered it. */
  rule_id: string;
  action: ActionName;
  params: ActionParams;
  /** How long is waited before the second look. */
  settle_s: number;
  /** How long the check has to be quiet when this comes to a limit. */
  quiet_s: number;
  /** From 1. */
  attempt: number;
  /** No other attempt follows. */
  last: boolean;
  /** Who ordered it; null: a rule. */
  asked_by: string | null;
  state: HealingState;
  dry_run: boolean;
  /** What made it begin. */
  seen: Detection;
  finding_id: string | null;
  /** Unix seconds by the clock of the appliance, all of them. */
  detected_s: number;
  acting_s: number | null;
  acted_s: number | null;
  /** What the action said of itself; null: it has said nothing. */
  claimed: boolean | null;
  output: string | null;
  /** The second look, which alone decides. */
  seen_again: Detection | null;
  ended_s: number | null;
  /** In a sentence, why it ended as it did. */
  reason: string | null;
  /** Its end is in the evidence. */
  told: boolean;
}

export interface HealingRow {
  seq: number;
  id: string;
  subject: string;
  hostname: string;
  check_type: string;
  rule_id: string;
  settle_s: number;
  quiet_s: number;
  action: string;
  params: string;
  attempt: number;
  last: number;
  asked_by: string | null;
  state: string;
  dry_run: number;
  seen: string;
  finding_id: string | null;
  detected_s: number;
  acting_s: number | null;
  acted_s: number | null;
  claimed: number | null;
  output: string | null;
  seen_again: string | null;
  ended_s: number | null;
  reason: string | null;
  told: number;
}

/** @throws Error for a row that no version of this program has written */
export function toHealing(row: HealingRow): Healing {
  const { seq, id, subject, hostname, check_type, rule_id, attempt, asked_by, finding_id } = row;
  const { detected_s, acting_s, acted_s, output, ended_s, reason, settle_s, quiet_s } = row;
  const state = HEALING_STATES.find((known) => known === row.state);
  if (!state) throw new Error(`healing ${id} is in a state that is none: ${row.state}`);
  return {
    ...{ seq, id, subject, hostname, check_type, rule_id, attempt, asked_by, finding_id, state },
    ...{ detected_s, acting_s, acted_s, output, ended_s, reason, settle_s, quiet_s },
    // Written by this program, which held it to its list.
    action: row.action as ActionName,
    params: JSON.parse(row.params) as ActionParams,
    seen: JSON.parse(row.seen) as Detection,
    seen_again: row.seen_again === null ? null : (JSON.parse(row.seen_again) as Detection),
    claimed: row.claimed === null ? null : row.claimed === 1,
    last: row.last === 1,
    dry_run: row.dry_run === 1,
    told: row.told === 1,
  };
}
