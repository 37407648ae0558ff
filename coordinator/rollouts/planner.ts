import { releaseBrake, watchFailures } from './brake.ts';
import { matchesQuery } from './cohort/match-query.ts';
import { Draft } from './draft.ts';
import { excuseOf, hasPast } from './eligibility.ts';
import { excuse, giveUpdates, takeBack } from './give-orders.ts';
import { kept, observe } from './observe.ts';
import type { Member, Phase, Plan } from './plan.ts';
import { revert } from './revert.ts';
import type { Scene } from './scene.ts';
import { advanceStages } from './stages.ts';

const NEWCOMER: Member = { state: 'pool', unheard: 0, retry: null, step: null };

/**
 * Decides what a rollout does at one instant. Pure: the same scene and parent make the same plan, on whichever coordinator. It first
 * takes in what has happened, then what the operator wants, then looks at the brake, and only then gives orders.
 *
 * A plan without reasons has nothing new: drop it and keep the parent.
 *
 * @param id of the new plan, never used before
 * @param parent the newest plan of this rollout that was carried out; null for the first
 */
export function planRollout(id: string, scene: Scene, parent: Plan | null): Plan {
  const steps = planInSteps(id, scene, parent);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The same, stopping now and then: a large fleet takes a tenth of a second, in which others may want something. */
export function* planInSteps(id: string, scene: Scene, parent: Plan | null): Generator<void, Plan> {
  const draft = new Draft(scene, parent);
  const { wish } = scene.intent;
  const over = parent?.phase === 'completed' && wish !== 'roll_back';
  // What was seen before the parent is no news: an appliance that has been updated since would seem to have fallen back.
  const stale = parent !== null && scene.at_ms < parent.at_ms;
  if (wish === 'draft' || over || stale) return draft.finish(id, parent?.phase ?? 'draft');
  yield;
  takeIn(draft);
  yield;
  if (wish === 'cancelled') {
    takeBack(draft, ['ordered', 'reverting']);
    return draft.finish(id, 'cancelled');
  }
  retryWhereAsked(draft);
  if (wish === 'roll_back') return draft.finish(id, revert(draft) ? 'rolled_back' : 'rolling_back');
  enrol(draft);
  yield;
  excuse(draft);
  yield;
  if (scene.intent.brake_releases > (parent?.handled.brake_releases ?? 0)) releaseBrake(draft);
  watchFailures(draft);
  const phase = wish === 'paused' ? hold(draft, 'paused') : yield* run(draft);
  yield;
  return draft.finish(id, phase);
}

/** Moves stages and gives orders, as far as the brake lets it. */
function* run(draft: Draft): Generator<void, Phase> {
  if (draft.brake !== null) return hold(draft, 'braked');
  endHold(draft);
  yield;
  advanceStages(draft);
  yield;
  // The verdict on a stage may just have engaged it.
  if (draft.brake !== null) return hold(draft, 'braked');
  if (draft.current >= draft.stages.length) return 'completed';
  giveUpdates(draft);
  takeBack(draft, []);
  return 'running';
}

function hold(draft: Draft, phase: 'paused' | 'braked'): Phase {
  draft.held_since_ms ??= draft.scene.at_ms;
  takeBack(draft, ['ordered']);
  for (const [id, { state }] of draft.members) {
    if (state === 'seated') draft.skip(id, 'held', phase === 'paused' ? 'paused' : 'the brake is engaged');
  }
  return phase;
}

/** A stage is not charged for the time in which nothing could be ordered. */
function endHold(draft: Draft): void {
  const { held_since_ms, current } = draft;
  draft.held_since_ms = null;
  const deadline_ms = draft.stages[current]?.deadline_ms ?? null;
  if (held_since_ms === null || deadline_ms === null) return;
  draft.setStage(current, { deadline_ms: deadline_ms + draft.scene.at_ms - held_since_ms });
}

/** What became of everyone since the parent. Who is missing in the fleet was removed from it. */
function takeIn(draft: Draft): void {
  for (const [id, member] of draft.members) {
    const appliance = draft.scene.fleet.get(id);
    const now =
      appliance &&
      observe(member, appliance, { scene: draft.scene, stage: draft.current, plan: draft.number });
    if (now === undefined) draft.remove(id);
    else if (now !== member) draft.set(id, now);
  }
}

/**
 * A frozen cohort is taken once, when the rollout starts; an open one again and again. Nobody is let go that has an order or has come
 * a step of the way: a cohort of old versions would lose everyone at the first step.
 */
function enrol(draft: Draft): void {
  const { definition, fleet } = draft.scene;
  if (draft.parent !== null && definition.joining === 'frozen') return;
  for (const [id, appliance] of fleet) {
    const member = draft.members.get(id);
    if (member && ((member.state !== 'pool' && member.state !== 'seated') || member.step !== null)) continue;
    const matches = matchesQuery(definition.cohort, appliance);
    if (matches && member === undefined) draft.set(id, NEWCOMER);
    if (matches || member === undefined) continue;
    // Who has a past stays on record: an appliance that comes and goes must not be a new one every time.
    if (!hasPast(member)) draft.remove(id);
    else if (member.state === 'seated') draft.set(id, { ...kept(member), state: 'pool' });
  }
}

/** Once for every time an operator asks. Who has failed, and who remembers having given the release up, may try once more. */
function retryWhereAsked(draft: Draft): void {
  const { intent } = draft.scene;
  if (intent.retries <= (draft.parent?.handled.retries ?? 0)) return;
  // Said in any case: a request that is not on record would be met again by the next failure.
  draft.reasons.push('an operator asked to try again what has failed');
  const stage = draft.current;
  for (const [id, member] of draft.members) {
    const hop = member.state === 'failed' ? member.hop : null;
    const fresh = { ...kept(member), unheard: 0, retry: { hop } };
    if (member.state === 'failed') draft.set(id, { ...fresh, state: 'seated', stage });
    if (member.state === 'left_behind') draft.set(id, { ...fresh, state: 'pool' });
    if (member.state === 'pool' && isRejected(draft, id, member)) draft.set(id, { ...fresh, state: 'pool' });
    if (member.state === 'revert_failed') {
      draft.set(id, { ...fresh, state: 'succeeded', stage: member.stage, from: member.from });
    }
  }
  draft.revert_until_ms = null;
}

function isRejected(draft: Draft, id: string, member: Member): boolean {
  const appliance = draft.scene.fleet.get(id);
  return appliance !== undefined && excuseOf(member, appliance, draft.scene)?.code === 'rejected_before';
}
