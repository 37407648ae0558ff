import { Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { readText } from './fact-files.ts';

/** The part of the set-up's report that the page shows; what else stands there is its own business. */
const SetupFacts = t.Object({
  failures: t.Array(t.Object({ step: t.String(), reason: t.String() })),
  configProblems: t.Array(t.String()),
  serial: t.Optional(t.Union([t.String(), t.Null()])),
});

export interface SetupView {
  problems: string[];
  /** Serial number of the machine, which only root may read. */
  serial: string | null;
}

/** What the set-up of this boot complained about. Without a report that is itself worth a line: nobody knows. */
export function readSetupFacts(path: string, onAppliance: boolean): SetupView {
  const text = readText(path);
  if (text === null) {
    return { problems: onAppliance ? ['The set-up of this boot left no report.'] : [], serial: null };
  }
  const parsed: unknown = JSON.parse(text);
  if (!Value.Check(SetupFacts, parsed))
    return { problems: ['The report of the set-up is damaged.'], serial: null };
  return {
    problems: [
      ...parsed.failures.map(({ step, reason }) => `Set-up of ${step}: ${reason}`),
      ...parsed.configProblems.map((problem) => `Configuration: ${problem}`),
    ],
    serial: parsed.serial ?? null,
  };
}
