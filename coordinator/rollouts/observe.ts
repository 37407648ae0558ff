import type { Appliance } from './appliance.ts';
import { UNHEARD_ORDERS_MAX } from './limits.ts';
import type { FailureCode, GivenOrder, Member, MemberRecord } from './plan.ts';
import type { Scene } from './scene.ts';
import type { Version } from './version.ts';

/**
 * What became of a member since the last plan, told from the snapshot alone. The same member is returned when there is nothing new.
 * An update is complete when the ordered version runs and is committed; what the appliance says of itself is never enough.
 *
 * @param current the open stage: a failure counts there, even if the appliance had its turn in an earlier one
 */
export function observe(member: Member, appliance: Appliance, scene: Scene, current: number): Member {
  switch (member.state) {
    case 'ordered':
      return observeUpdate(member, appliance, scene);
    case 'reverting':
      return observeReturn(member, appliance, scene);
    case 'succeeded':
      // Once it is over, or on the way back, that is no news.
      return fellBack(member, member.from, appliance, scene, current) ?? member;
    case 'pool':
    case 'seated':
      // What failed and is to be tried again may still succeed by the order of before.
      if (member.retry?.from && runs(appliance, scene.definition.version)) {
        const stage = member.state === 'seated' ? member.stage : current;
        return { ...kept(member), state: 'succeeded', stage, from: member.retry.from };
      }
      return (member.step && fellBack(member, member.step.from, appliance, scene, current)) ?? member;
    case 'failed':
      // Late, but seen: the outcome of an order that was given up is what runs.
      return runs(appliance, scene.definition.version)
        ? { ...kept(member), state: 'succeeded', stage: member.stage, from: member.from }
        : member;
    default:
      return member;
  }
}

function isWatched({ intent }: Scene): boolean {
  return intent.wish === 'running' || intent.wish === 'paused';
}

/** Whether an order has run out without being fetched, and is only waiting to be taken back. */
export function isOverdue(order: GivenOrder, { definition, at_ms }: Scene): boolean {
  return at_ms >= order.given_ms + definition.order_deadline_ms;
}

/** Whether the version runs for good. */
export function runs({ version, committed }: Appliance, wanted: string): boolean {
  return committed && version === wanted;
}

type Ordered = Extract<Member, { state: 'ordered' }>;
type Reverting = Extract<Member, { state: 'reverting' }>;

function observeUpdate(member: Ordered, appliance: Appliance, scene: Scene): Member {
  const { order, stage } = member;
  const goal = scene.definition.version;
  if (runs(appliance, order.to)) {
    const progress = { ...kept(member), stage, unheard: 0 };
    return order.to === goal
      ? { ...progress, state: 'succeeded', from: order.from }
      : { ...progress, state: 'seated', step: { from: order.from, to: order.to } };
  }
  const outcome = outcomeOf(order, appliance, scene);
  if (outcome === 'waiting') return member;
  if (outcome === 'taken_back') return { ...kept(member), state: 'seated', stage };
  if (outcome !== 'unheard') return failed(member, stage, order.from, outcome, scene.at_ms);
  const unheard = member.unheard + 1;
  return unheard < UNHEARD_ORDERS_MAX
    ? { ...kept(member), state: 'pool', unheard }
    : { ...kept(member), state: 'left_behind', stage, unheard };
}

function observeReturn(member: Reverting, appliance: Appliance, scene: Scene): Member {
  const { order, stage } = member;
  if (runs(appliance, order.to)) return { ...kept(member), state: 'reverted', stage };
  const outcome = outcomeOf(order, appliance, scene);
  if (outcome === 'waiting') return member;
  const rest = { ...kept(member), stage, from: order.to };
  if (outcome === 'taken_back' || outcome === 'unheard') return { ...rest, state: 'succeeded' };
  return { ...rest, state: 'revert_failed', code: outcome, settled_ms: scene.at_ms };
}

/** `unheard`: it ran out before it was fetched. `taken_back`: withdrawn before that, because of pause, brake or cancel. */
function outcomeOf(
  order: GivenOrder,
  appliance: Appliance,
  scene: Scene,
): 'waiting' | 'taken_back' | FailureCode {
  const sight = appliance.order?.id === order.id ? appliance.order : null;
  const overdue = isOverdue(order, scene);
  if (sight?.state === 'failed' || sight?.state === 'rolled_back') return sight.state;
  if (appliance.rejected.includes(order.to) && !order.retry_rejected) return 'rolled_back';
  if (sight?.fate === 'withdrawn') return overdue ? 'unheard' : 'taken_back';
  if (!overdue) return 'waiting';
  // A queued order may still be fetched: it is taken back first, and only then forgotten.
  if (sight?.fate === 'queued') return 'waiting';
  return sight === null ? 'unheard' : 'no_outcome';
}

function fellBack(
  member: Member,
  before: Version,
  appliance: Appliance,
  scene: Scene,
  current: number,
): Member | undefined {
  if (!isWatched(scene) || !runs(appliance, before)) return undefined;
  return failed(member, current, before, 'fell_back', scene.at_ms);
}

function failed(member: Member, stage: number, from: Version, code: FailureCode, settled_ms: number): Member {
  return { ...kept(member), state: 'failed', stage, from, code, settled_ms, retry: null, step: null };
}

/** What stays with a member whatever state it is in. */
export function kept({ unheard, retry, step }: Member): MemberRecord {
  return { unheard, retry, step };
}
