import type { Draft } from './draft.ts';
import { giveReturns, takeBack } from './give-orders.ts';
import { kept, runs } from './observe.ts';

/**
 * The return of everyone that this rollout has brought to the release, to the version before. Stages don't matter here; the limit of
 * parallel orders and windows do.
 *
 * @returns whether it has come to its end
 */
export function revert(draft: Draft): boolean {
  const { at_ms, definition } = draft.scene;
  draft.revert_until_ms ??= at_ms + definition.stage_deadline_ms;
  const inTime = at_ms < draft.revert_until_ms;
  for (const [id, member] of draft.members) {
    if (member.state !== 'succeeded') continue;
    if (isElsewhere(draft, id)) draft.set(id, { ...kept(member), state: 'reverted', stage: member.stage });
    else if (!inTime) {
      const { stage, from } = member;
      const code = 'unheard';
      draft.set(id, { ...kept(member), state: 'revert_failed', stage, from, code, plan: draft.number });
    }
  }
  if (inTime) giveReturns(draft);
  takeBack(draft, ['ordered']);
  return ![...draft.members.values()].some(
    ({ state }) => state === 'ordered' || state === 'reverting' || state === 'succeeded',
  );
}

/** Known to run something else for good: somebody has moved it meanwhile. */
function isElsewhere(draft: Draft, id: string): boolean {
  const appliance = draft.scene.fleet.get(id);
  if (!appliance?.committed || appliance.version === null) return false;
  return !runs(appliance, draft.scene.definition.version);
}
