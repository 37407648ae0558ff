import type { Draft } from './draft.ts';

/** One stage, counted. */
export interface Tally {
  /** Everyone who has or had a place in it. */
  seats: number;
  /** Without an outcome yet. */
  unsettled: number;
  succeeded: number;
  /** Of those that succeeded: not heard of any more. */
  lost: number;
  /** Failures that no operator has seen and let pass. */
  failed: number;
  /** Those that one has. */
  forgiven: number;
  left_behind: number;
}

export function tallyStage(draft: Draft, index: number): Tally {
  const tally: Tally = {
    seats: 0,
    unsettled: 0,
    succeeded: 0,
    lost: 0,
    failed: 0,
    forgiven: 0,
    left_behind: 0,
  };
  const forgiven = draft.stages[index]?.forgiven_plan ?? 0;
  for (const [id, member] of draft.members) {
    if (member.state === 'pool' || member.stage !== index) continue;
    tally.seats += 1;
    switch (member.state) {
      case 'seated':
      case 'ordered':
        tally.unsettled += 1;
        break;
      case 'succeeded':
        tally.succeeded += 1;
        if (draft.scene.fleet.get(id)?.presence === 'offline') tally.lost += 1;
        break;
      case 'failed':
        if (member.plan > forgiven) tally.failed += 1;
        else tally.forgiven += 1;
        break;
      case 'left_behind':
        tally.left_behind += 1;
        break;
    }
  }
  return tally;
}
