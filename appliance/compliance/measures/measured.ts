/** What a measure found. `unknown`: nobody can tell, which is not compliant. */
export type Outcome = 'holds' | 'fails' | 'not_applicable' | 'unknown';

export interface Measured {
  outcome: Outcome;
  /** What was seen, in words that change only when it does: they go into events. */
  seen: string;
}

export const holds = (seen: string): Measured => ({ outcome: 'holds', seen });
export const fails = (seen: string): Measured => ({ outcome: 'fails', seen });
export const unknown = (seen: string): Measured => ({ outcome: 'unknown', seen });
export const notApplicable = (seen: string): Measured => ({ outcome: 'not_applicable', seen });

/** Faults are what fails; what could not be seen only counts where nothing fails. */
export function judge(faults: readonly string[], unseen: readonly string[], good: string): Measured {
  if (faults.length > 0) return fails(faults.join('; '));
  return unseen.length > 0 ? unknown(unseen.join('; ')) : holds(good);
}
