import type { Appliance } from './appliance.ts';
import type { Draft } from './draft.ts';
import { excuseOf, isWindowOpen, obstacleOf } from './eligibility.ts';
import { isOverdue, kept } from './observe.ts';
import type { GivenOrder, Member } from './plan.ts';
import { firstInLine } from './sample.ts';
import { compareVersions, nextHop, type Version } from './version.ts';

/** Gives an update to everyone who has a place and can take it now, first in line first, as far as the limit of parallel orders goes. */
export function giveUpdates(draft: Draft): void {
  const { definition } = draft.scene;
  const chosen = withinLimit(draft, reachableNow(draft, 'seated'));
  const { current } = draft;
  draft.setStage(current, { orders: (draft.stages[current]?.orders ?? 0) + chosen.length });
  for (const { id, member, appliance } of chosen) {
    const from = appliance.version;
    if (member.state !== 'seated' || from === null) continue;
    const to = nextHop(from, definition.version, definition.floors);
    const retry_rejected = member.retry !== null && appliance.rejected.includes(to);
    const order = give(draft, id, 'update', from, to, retry_rejected);
    draft.set(id, {
      ...kept(member),
      state: 'ordered',
      stage: member.stage,
      order,
    });
  }
}

/** Gives the order to go back to everyone who runs the release because of this rollout. */
export function giveReturns(draft: Draft): void {
  for (const { id, member, appliance } of withinLimit(draft, reachableNow(draft, 'succeeded'))) {
    const from = appliance.version;
    if (member.state !== 'succeeded' || from === null) continue;
    // The slot before is where it comes from: that it was given up once is no reason against it.
    const order = give(draft, id, 'rollback', from, member.from, true);
    draft.set(id, {
      ...kept(member),
      state: 'reverting',
      stage: member.stage,
      order,
    });
  }
}

/**
 * Takes back what has not been fetched: always what is overdue, would be fetched outside its window, or is for an appliance that
 * has been excused since; and all of a kind where nothing new may start.
 */
export function takeBack(draft: Draft, kinds: readonly Member['state'][]): void {
  for (const [id, member] of draft.members) {
    if (member.state !== 'ordered' && member.state !== 'reverting') continue;
    const appliance = draft.scene.fleet.get(id);
    if (appliance?.order?.id !== member.order.id || appliance.order.fate !== 'queued') continue;
    const unwanted =
      kinds.includes(member.state) ||
      isOverdue(member.order, draft.scene) ||
      !isWindowOpen(appliance, draft.scene, draft.windows) ||
      (member.state === 'ordered' && excuseOf(member, appliance, draft.scene) !== undefined);
    if (unwanted) draft.withdrawals.push(member.order.id);
  }
}

interface Candidate {
  id: string;
  member: Member;
  appliance: Appliance;
}

function reachableNow(draft: Draft, state: 'seated' | 'succeeded'): Candidate[] {
  const able: Candidate[] = [];
  for (const [id, member] of draft.members) {
    const appliance = draft.scene.fleet.get(id);
    if (member.state !== state || !appliance) continue;
    const obstacle = obstacleOf(appliance, draft.scene, draft.windows);
    if (obstacle) draft.skip(id, obstacle.code, obstacle.words);
    else able.push({ id, member, appliance });
  }
  return able;
}

function withinLimit(draft: Draft, able: readonly Candidate[]): Candidate[] {
  const { id: rollout, parallel_max } = draft.scene.definition;
  const free = Math.max(0, parallel_max - draft.inFlight);
  if (able.length <= free) return [...able];
  const byId = new Map(able.map((candidate) => [candidate.id, candidate]));
  const chosen = firstInLine(rollout, [...byId.keys()], free).flatMap((id) => byId.get(id) ?? []);
  for (const { id } of chosen) byId.delete(id);
  const words = `at most ${parallel_max} at one time, and others come first`;
  for (const id of byId.keys()) draft.skip(id, 'parallel_limit', words);
  return chosen;
}

function give(
  draft: Draft,
  id: string,
  type: 'update' | 'rollback',
  from: Version,
  to: Version,
  retry_rejected: boolean,
): GivenOrder {
  const { at_ms, definition } = draft.scene;
  const order: GivenOrder = {
    id: `${definition.id}/${draft.number}/${id}`,
    from,
    to,
    given_ms: at_ms,
    retry_rejected,
  };
  draft.orders.push({
    id: order.id,
    appliance: id,
    type,
    to,
    retry_rejected: type === 'update' && retry_rejected,
    allow_downgrade: type === 'update' && compareVersions(to, from) < 0,
    window: definition.window,
    not_after_ms: at_ms + definition.order_deadline_ms,
  });
  return order;
}

/** Says for everyone who is out of it why; and takes the place of those who no longer need it. */
export function excuse(draft: Draft): void {
  for (const [id, member] of draft.members) {
    if (member.state !== 'pool' && member.state !== 'seated') continue;
    const appliance = draft.scene.fleet.get(id);
    const reason = appliance && excuseOf(member, appliance, draft.scene);
    if (!reason) continue;
    draft.skip(id, reason.code, reason.words);
    if (member.state === 'seated') draft.set(id, { ...kept(member), state: 'pool' });
  }
}
