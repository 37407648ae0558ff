import { BulkheadError } from '../../base/errors.ts';
import type { Detection } from '../findings/detection.ts';
import { actionFacts, checkAction, tierAllows } from './actions.ts';
import type { Healing } from './engine/healing-record.ts';
import type { HealingDoors } from './healing.ts';

export interface HealWish {
  /** A host name, a sensor's id, `t-NAME` or `appliance`. */
  host: string;
  check_type: string;
  action: string;
  params: Readonly<Record<string, string>>;
  /** Who wants it, for the record. */
  by_whom: string;
}

/**
 * What an operator orders: the same way as by a rule (look, put on record, act, look again), beside rules, cooldown and limits, never
 * beside the switch, the tier and the list of actions.
 *
 * @returns the healing that was begun; null: the check passes, there is nothing to heal
 * @throws BulkheadError HEALING_SUBJECT_UNKNOWN, HEALING_TIER, HEALING_OFF, HEALING_NEVER_LOOKED, HEALING_BUSY, HEALING_ACTION_*
 */
export async function orderHealing(wish: HealWish, doors: HealingDoors): Promise<Healing | null> {
  const subject = subjectOf(wish.host, doors);
  const facts = doors.subject(subject);
  if (facts === null)
    throw new BulkheadError('HEALING_SUBJECT_UNKNOWN', `nobody here is '${wish.host}'`, {
      hint: 'bulkhead sensors list; machines without a sensor stand in the configuration under targets',
    });
  const { action, params } = checkAction(wish.action, facts.platform, wish.params);
  const { tier } = actionFacts(action);
  if (!tierAllows(facts.tier, tier))
    throw new BulkheadError('HEALING_TIER', `${action} needs the tier ${tier}; ${subject} has ${facts.tier}`);
  if (doors.mode.state().mode !== 'on')
    throw new BulkheadError('HEALING_OFF', 'healing is not switched on', { hint: 'bulkhead healing status' });
  const seen: Detection = {
    ...(await doors.look(subject, wish.check_type)),
    check_type: wish.check_type,
    subject,
  };
  if (seen.passed) return null;
  const finding_id = doors.findings.find({ subject, check_type: wish.check_type, state: 'open', limit: 1 })[0]
    ?.id;
  return doors.engine.begin({
    ...{ rule_id: 'order', action, params, settle_s: 0, quiet_s: 0, attempt: 1, last: true, dry_run: false },
    ...{ asked_by: wish.by_whom, finding_id: finding_id ?? null, seen },
  });
}

/** A name that several have is nobody's. */
function subjectOf(host: string, { sensors, subject }: HealingDoors): string {
  if (subject(host) !== null) return host;
  const declared = `t-${host.toLowerCase()}`;
  if (subject(declared) !== null) return declared;
  const named = sensors.list().filter((sensor) => sensor.revoked_at === null && sensor.hostname === host);
  return named.length === 1 ? (named[0]?.id ?? host) : host;
}
