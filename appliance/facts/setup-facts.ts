import { Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { Unknowable } from '../../base/schema.ts';
import { readText } from './fact-files.ts';

/** What DMI says to root alone, read by the set-up for everyone. */
const RootHardware = t.Object({
  board_serial: Unknowable(t.String()),
  chassis_serial: Unknowable(t.String()),
  product_uuid: Unknowable(t.String()),
});
export type RootHardware = (typeof RootHardware)['static'];

const NO_HARDWARE: RootHardware = { board_serial: null, chassis_serial: null, product_uuid: null };

/** The part of the set-up's report that the page shows; what else stands there is its own business. */
const SetupFacts = t.Object({
  failures: t.Array(t.Object({ step: t.String(), reason: t.String() })),
  configProblems: t.Array(t.String()),
  serial: t.Optional(Unknowable(t.String())),
  hardware: t.Optional(RootHardware),
});

export interface SetupView {
  problems: string[];
  /** Serial number of the machine, which only root may read. */
  serial: string | null;
  hardware: RootHardware;
}

/** What the set-up of this boot complained about. Without a report that is itself worth a line: nobody knows. */
export function readSetupFacts(path: string, onAppliance: boolean): SetupView {
  const text = readText(path);
  if (text === null) {
    return noFacts(onAppliance ? ['The set-up of this boot left no report.'] : []);
  }
  const parsed: unknown = JSON.parse(text);
  if (!Value.Check(SetupFacts, parsed)) return noFacts(['The report of the set-up is damaged.']);
  return {
    problems: [
      ...parsed.failures.map(({ step, reason }) => `Set-up of ${step}: ${reason}`),
      ...parsed.configProblems.map((problem) => `Configuration: ${problem}`),
    ],
    serial: parsed.serial ?? null,
    hardware: parsed.hardware ?? NO_HARDWARE,
  };
}

/** What is known when the set-up said nothing that can be read. */
export function noFacts(problems: string[]): SetupView {
  return { problems, serial: null, hardware: NO_HARDWARE };
}
