import { passes } from './brake.ts';
import type { Draft } from './draft.ts';
import { excuseOf, isReachable } from './eligibility.ts';
import { describeInstant } from './instant.ts';
import { kept } from './observe.ts';
import type { Stage } from './plan.ts';
import { firstInLine, seatsOf } from './sample.ts';
import { tallyStage } from './tally.ts';

/**
 * Brings the stages as far as they may go at this instant: opens, fills, watches, judges. Stops at the first that is not done, or at
 * the brake.
 */
export function advanceStages(draft: Draft): void {
  while (draft.current < draft.stages.length && draft.brake === null) {
    const index = draft.current;
    let stage = draft.stages[index];
    if (stage?.state === 'pending') stage = open(draft, index);
    if (stage?.state === 'soaking' && tallyStage(draft, index).unsettled > 0) stage = reopen(draft, index);
    if (stage?.state === 'running') stage = fillOrEnd(draft, index, stage);
    if (stage?.state !== 'soaking' || draft.scene.at_ms < (stage.soak_until_ms ?? 0)) return;
    if (!passes(draft, index, () => missingSeats(draft, index))) return;
    draft.setStage(index, { state: 'done', done_ms: draft.scene.at_ms });
    draft.reasons.push(`stage ${index + 1} passed`);
  }
}

function open(draft: Draft, index: number): Stage {
  const { at_ms, definition } = draft.scene;
  const seats = seatsOf(definition.stages, index, draft.members.size);
  draft.reasons.push(
    `stage ${index + 1} of ${draft.stages.length} opened: ${seats} of ${draft.members.size} in the cohort`,
  );
  return draft.setStage(index, {
    state: 'running',
    opened_ms: at_ms,
    deadline_ms: at_ms + definition.stage_deadline_ms,
  });
}

/** Somebody is to be tried again: the stage is watched anew when that one is done. */
function reopen(draft: Draft, index: number): Stage {
  const { at_ms, definition } = draft.scene;
  draft.reasons.push(`stage ${index + 1} goes on`);
  const deadline_ms = at_ms + definition.stage_deadline_ms;
  return draft.setStage(index, { state: 'running', deadline_ms, soak_until_ms: null, waived: false });
}

function fillOrEnd(draft: Draft, index: number, stage: Stage): Stage {
  const { at_ms, definition } = draft.scene;
  const inTime = at_ms < (stage.deadline_ms ?? 0);
  if (inTime) fillSeats(draft, index);
  else clearSeats(draft, index);
  const tally = tallyStage(draft, index);
  if (tally.unsettled > 0) return stage;
  const judged = tally.succeeded + tally.failed + tally.forgiven;
  if (judged === 0 && inTime && missingSeats(draft, index) > 0) return stage;
  // Where nobody was given an order, there is nothing to watch.
  const soak_until_ms = stage.orders === 0 ? at_ms : at_ms + definition.soak_ms;
  if (soak_until_ms > at_ms) {
    draft.reasons.push(`stage ${index + 1} is watched until ${describeInstant(soak_until_ms)}`);
  }
  return draft.setStage(index, { state: 'soaking', soak_until_ms });
}

/**
 * Gives places to the first in line that need the release and can take it. Appliances that are silent keep their place in the line for
 * a later stage; only the last takes them too, because after it there is none.
 */
function fillSeats(draft: Draft, index: number): void {
  const { definition, fleet } = draft.scene;
  const isLast = index === draft.stages.length - 1;
  const free = freeSeats(draft, index);
  if (free === 0) return;
  const able = waitingOf(draft).filter((id) => {
    const appliance = fleet.get(id);
    return isLast || (appliance !== undefined && isReachable(appliance));
  });
  const first = able.length <= free ? able : firstInLine(definition.id, able, free);
  for (const id of first) {
    const member = draft.members.get(id);
    if (member) draft.set(id, { ...kept(member), state: 'seated', stage: index });
  }
}

/** The time is up for those that could not be given an order. Orders that are out have a deadline of their own. */
function clearSeats(draft: Draft, index: number): void {
  const isLast = index === draft.stages.length - 1;
  for (const [id, member] of draft.members) {
    if (member.state !== 'seated' || member.stage !== index) continue;
    draft.set(
      id,
      isLast ? { ...kept(member), state: 'left_behind', stage: index } : { ...kept(member), state: 'pool' },
    );
  }
}

function freeSeats(draft: Draft, index: number): number {
  let taken = 0;
  for (const { state } of draft.members.values()) if (state !== 'pool') taken += 1;
  return Math.max(0, seatsOf(draft.scene.definition.stages, index, draft.members.size) - taken);
}

/** Places that the stage has for appliances that need the release, and that none of them could take. */
function missingSeats(draft: Draft, index: number): number {
  const free = freeSeats(draft, index);
  return free === 0 ? 0 : Math.min(free, waitingOf(draft).length);
}

/** Members without a place that need the release and are not excused from it. */
function waitingOf(draft: Draft): string[] {
  const waiting: string[] = [];
  for (const [id, member] of draft.members) {
    if (member.state !== 'pool') continue;
    const appliance = draft.scene.fleet.get(id);
    if (appliance && !excuseOf(member, appliance, draft.scene)) waiting.push(id);
  }
  return waiting;
}
