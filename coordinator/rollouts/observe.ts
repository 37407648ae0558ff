import type { Appliance } from './appliance.ts';
import { UNHEARD_ORDERS_MAX } from './limits.ts';
import type { FailureCode, GivenOrder, Hop, Member, MemberRecord } from './plan.ts';
import type { Scene } from './scene.ts';

/** From where a member is looked at. */
interface View {
  scene: Scene;
  /** The open stage: who falls back has failed there, even if the turn was in an earlier one. */
  stage: number;
  /** Number of the plan in the making. */
  plan: number;
}

/**
 * What became of a member since the last plan, told from the snapshot alone. The same member is returned when there is nothing new.
 * An update is complete when the ordered version runs and is committed; what the appliance says of itself is never enough.
 */
export function observe(member: Member, appliance: Appliance, view: View): Member {
  const goal = view.scene.definition.version;
  switch (member.state) {
    case 'ordered':
      return observeUpdate(member, appliance, view);
    case 'reverting':
      return observeReturn(member, appliance, view);
    case 'succeeded':
      return fellBack(member, { from: member.from, to: goal }, appliance, view) ?? member;
    case 'failed':
    case 'pool':
    case 'seated': {
      // An order that was given up may still have its effect. Late, but seen: what runs is believed.
      const late = member.state === 'failed' ? member.hop : (member.retry?.hop ?? null);
      if (late !== null && runs(appliance, late.to)) return arrived(member, late, view);
      const reached = member.state === 'failed' ? null : member.step;
      return (reached && fellBack(member, reached, appliance, view)) ?? member;
    }
    default:
      return member;
  }
}

/** The member at the end of a hop: done, or ready for the next. */
function arrived(member: Member, { from, to }: Hop, view: View): Member {
  const stage = member.state === 'pool' ? view.stage : member.stage;
  const record = { ...kept(member), unheard: 0, retry: member.retry && { hop: null } };
  return to === view.scene.definition.version
    ? { ...record, state: 'succeeded', stage, from }
    : { ...record, state: 'seated', stage: view.stage, step: { from, to } };
}

/** Once it is over, or on the way back, a fall is no news. */
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

function observeUpdate(member: Ordered, appliance: Appliance, view: View): Member {
  const { order, stage } = member;
  if (runs(appliance, order.to)) return arrived(member, order, view);
  const outcome = outcomeOf(order, appliance, view.scene);
  if (outcome === 'waiting') return member;
  if (outcome === 'taken_back') return { ...kept(member), state: 'seated', stage };
  if (outcome !== 'unheard') return failed(member, stage, order, outcome, view.plan);
  const unheard = member.unheard + 1;
  return unheard < UNHEARD_ORDERS_MAX
    ? { ...kept(member), state: 'pool', unheard }
    : { ...kept(member), state: 'left_behind', stage, unheard };
}

function observeReturn(member: Reverting, appliance: Appliance, { scene, plan }: View): Member {
  const { order, stage } = member;
  if (runs(appliance, order.to)) return { ...kept(member), state: 'reverted', stage };
  const outcome = outcomeOf(order, appliance, scene);
  if (outcome === 'waiting') return member;
  const rest = { ...kept(member), stage, from: order.to };
  if (outcome === 'taken_back' || outcome === 'unheard') return { ...rest, state: 'succeeded' };
  return { ...rest, state: 'revert_failed', code: outcome, plan };
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

function fellBack(member: Member, hop: Hop, appliance: Appliance, view: View): Member | undefined {
  if (!isWatched(view.scene) || !runs(appliance, hop.from)) return undefined;
  return failed(member, view.stage, hop, 'fell_back', view.plan);
}

function failed(member: Member, stage: number, { from, to }: Hop, code: FailureCode, plan: number): Member {
  return { ...kept(member), state: 'failed', stage, hop: { from, to }, code, plan, retry: null, step: null };
}

/** What stays with a member whatever state it is in. */
export function kept({ unheard, retry, step }: Member): MemberRecord {
  return { unheard, retry, step };
}
