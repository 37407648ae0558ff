import type { Draft } from './draft.ts';
import type { Brake } from './plan.ts';
import { type Tally, tallyStage } from './tally.ts';

/** Engages the brake when the open stage has had more failures than it may; asked before every order. */
export function watchFailures(draft: Draft): void {
  const index = draft.current;
  const { errors_max_percent, errors_max_count } = draft.scene.definition;
  if (draft.brake !== null || index >= draft.stages.length) return;
  const { failed, seats } = tallyStage(draft, index);
  const share = Math.floor((seats * errors_max_percent) / 100);
  const tolerated = Math.min(share, errors_max_count ?? share);
  if (failed <= tolerated) return;
  engage(
    draft,
    'failures',
    `stage ${index + 1}: ${failed} of ${seats} failed, ${tolerated} ${tolerated === 1 ? 'is' : 'are'} tolerated`,
  );
}

/**
 * What a stage that has been watched to its end is worth. Engages the brake and says false when it is not enough.
 *
 * @param missing places that could not be filled though somebody needs the release
 */
export function passes(draft: Draft, index: number, missing: () => number): boolean {
  if (draft.stages[index]?.waived) return true;
  const tally = tallyStage(draft, index);
  const judged = tally.succeeded + tally.failed;
  if (judged === 0) return passesUnseen(draft, index, tally, missing());
  const heard = tally.succeeded - tally.lost;
  if (heard * 100 >= draft.scene.definition.success_min_percent * judged) return true;
  const lost = tally.lost === 0 ? '' : `, ${tally.lost} of them silent since`;
  engage(
    draft,
    'too_few_successes',
    `stage ${index + 1}: ${tally.succeeded} of ${judged} succeeded${lost}; ${draft.scene.definition.success_min_percent} % are asked for`,
  );
  return false;
}

/** Nobody tried. That is right where nobody needs to; where somebody would have to, silence is no evidence. */
function passesUnseen(draft: Draft, index: number, tally: Tally, missing: number): boolean {
  if (tally.seats + missing === 0) return true;
  const isLast = index === draft.stages.length - 1;
  const proven = [...draft.members.values()].some(({ state }) => state === 'succeeded');
  if (isLast && proven) return true;
  engage(draft, 'no_evidence', `stage ${index + 1}: no appliance could be tried in its time`);
  return false;
}

/** An operator has looked and says: go on. */
export function releaseBrake(draft: Draft): void {
  const { brake, parent } = draft;
  // Said in any case: a release that is not on record would release the next brake too.
  draft.reasons.push(`brake released by an operator${brake ? '' : ' (it was not engaged)'}`);
  if (brake === null || parent === null) return;
  draft.brake = null;
  const index = draft.current;
  if (index >= draft.stages.length) return;
  if (brake.cause === 'failures') draft.setStage(index, { forgiven_plan: parent.number });
  else draft.setStage(index, { waived: true });
}

function engage(draft: Draft, cause: Brake['cause'], reason: string): void {
  draft.brake = { cause, reason, since_ms: draft.scene.at_ms };
  draft.reasons.push(`brake engaged: ${reason}`);
}
