import type { ControlState, Justification } from '../../status-page/compliance/report.ts';
import type { RootSight } from './look/root-sight.ts';
import type { Sight } from './look/sight.ts';
import { carryOut } from './measures/carry-out.ts';
import type { Measured, Outcome } from './measures/measured.ts';
import type { Control } from './register/control.ts';
import { APPLIANCE_CONTROLS } from './register/register.ts';

/** What is to be said of one control of the appliance. */
export interface Result {
  control: Control;
  /** As it was measured. */
  outcome: Outcome;
  seen: string;
  /** What counts. */
  state: ControlState;
  /** Of a control that fails, and for which somebody answers. */
  justification: Justification | null;
}

export interface Assessment {
  at_ms: number;
  results: readonly Result[];
  /** What is wrong with the justifications. */
  problems: readonly string[];
}

type Entry = RootSight['justifications'][number];

/** Measures everything on one sight. Pure. */
export function assess(sight: Sight, controls: readonly Control[] = APPLIANCE_CONTROLS): Assessment {
  const entries = sight.root?.justifications ?? [];
  return {
    at_ms: sight.at_ms,
    results: controls.map((control) => assessOne(control, sight, entries)),
    problems: problemsOf(entries, controls, sight.at_ms),
  };
}

export function assessOne(control: Control, sight: Sight, entries: readonly Entry[]): Result {
  const measured = measureSafely(control, sight);
  // Only what is known to be otherwise can be answered for: nobody has signed for what nobody knows.
  const justification = measured.outcome === 'fails' ? justificationOf(control, entries, sight.at_ms) : null;
  return {
    control,
    ...measured,
    state: justification === null ? measured.outcome : 'justified',
    justification,
  };
}

/** One measure that throws is one control that is unknown, and not a run without results. */
function measureSafely(control: Control, sight: Sight): Measured {
  try {
    return carryOut(control.measure, sight);
  } catch (error) {
    return {
      outcome: 'unknown',
      seen: `the measure failed: ${error instanceof Error ? error.message : error}`,
    };
  }
}

function justificationOf(control: Control, entries: readonly Entry[], at_ms: number): Justification | null {
  const { exception } = control;
  if (exception) return { by: 'register', ...exception, until: null };
  const entry = entries.find((each) => each.control === control.id && isInForce(each, at_ms));
  if (entry === undefined) return null;
  return { by: 'configuration', reason: entry.reason, compensates: null, until: entry.until };
}

/** To the end of its last day, by UTC. */
function isInForce({ until }: Entry, at_ms: number): boolean {
  return new Date(at_ms).toISOString().slice(0, 10) <= until;
}

function problemsOf(entries: readonly Entry[], controls: readonly Control[], at_ms: number): string[] {
  return entries.flatMap((entry) => {
    const { control: id, until } = entry;
    if (!controls.some((control) => control.id === id))
      return [`compliance.justifications: the appliance has no control ${id}`];
    return isInForce(entry, at_ms) ? [] : [`the justification of ${id} ran out on ${until}`];
  });
}
