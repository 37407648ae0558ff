import { FRAMEWORK_NAMES } from '../../status-page/compliance/report.ts';
import type { Assessment } from './assess.ts';
import type { MachineResult } from './machines.ts';
import { type Counts, countStates } from './tally.ts';

/** The numbers of everything that has a rate of its own: what is sampled, and what the report shows. */
export function countScopes(
  { results }: Pick<Assessment, 'results'>,
  machines: readonly MachineResult[],
): Map<string, Counts> {
  const everything = [
    ...results.map(({ control, state }) => ({ references: control.references, state })),
    ...machines,
  ];
  const scopes = new Map<string, Counts>([
    ['appliance', countStates(results.map(({ state }) => state))],
    ['all', countStates(everything.map(({ state }) => state))],
  ]);
  for (const framework of FRAMEWORK_NAMES)
    scopes.set(
      `framework:${framework}`,
      countStates(everything.flatMap(({ references, state }) => (references[framework] ? [state] : []))),
    );
  for (const { control, state } of results) scopes.set(`control:${control.id}`, countStates([state]));
  const known = machines.filter(({ control }) => control !== null);
  for (const [id, found] of Map.groupBy(known, ({ control }) => control?.id ?? ''))
    scopes.set(`control:${id}`, countStates(found.map(({ state }) => state)));
  for (const [subject, found] of Map.groupBy(machines, ({ subject }) => subject))
    scopes.set(`machine:${subject}`, countStates(found.map(({ state }) => state)));
  return scopes;
}
