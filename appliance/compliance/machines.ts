import type { ControlState, FrameworkName } from '../../status-page/compliance/report.ts';
import type { Findings } from '../findings/findings.ts';
import { APPLIANCE } from './detections.ts';
import { MACHINE_SILENT_S } from './limits.ts';
import type { Control } from './register/control.ts';
import { controlOfCheck } from './register/register.ts';

type CurrentCheck = ReturnType<Findings['checks']>[number];

/** A machine that is watched, by a sensor on it or from here. */
export interface Machine {
  /** A sensor's id, or a target's. */
  subject: string;
  hostname: string;
  /** When it was last heard, whatever it said; Unix seconds; null: never. */
  heard_s: number | null;
}

/** What is to be said of one check of one machine. */
export interface MachineResult {
  subject: string;
  hostname: string;
  check_type: string;
  /** null: the register does not know such a check. */
  control: Control | null;
  references: Readonly<Partial<Record<FrameworkName, readonly string[]>>>;
  state: ControlState;
  seen: string;
}

/** What findings know of a check beyond whether it passed. */
export interface OpenDetail {
  actual: string;
  control: string | null;
}

/**
 * What the machines around the appliance have said last, as results. A machine that has been silent is unknown in everything: what it said
 * before may still be so, and may not.
 *
 * @param machines those that count; what others have said is history
 * @param details of open findings, by their id
 */
export function assessMachines(
  machines: readonly Machine[],
  checks: readonly CurrentCheck[],
  details: ReadonlyMap<string, OpenDetail>,
  now_s: number,
): MachineResult[] {
  const bySubject = Map.groupBy(checks, ({ subject }) => subject);
  return machines.flatMap((machine) =>
    (bySubject.get(machine.subject) ?? []).map((check) => assessCheck(machine, check, details, now_s)),
  );
}

function assessCheck(
  { subject, hostname, heard_s }: Machine,
  { check_type, passed, at_s, finding_id }: CurrentCheck,
  details: ReadonlyMap<string, OpenDetail>,
  now_s: number,
): MachineResult {
  const control = controlOfCheck(subject, check_type) ?? null;
  const detail = finding_id === null ? undefined : details.get(finding_id);
  const silent = now_s - Math.max(at_s, heard_s ?? 0) > MACHINE_SILENT_S;
  return {
    ...{ subject, hostname, check_type, control },
    references: control?.references ?? referencesOf(detail?.control ?? null),
    state: silent ? 'unknown' : passed ? 'holds' : 'fails',
    seen: silent
      ? 'has not been heard for hours'
      : passed
        ? 'as it should be'
        : (detail?.actual ?? 'not as it should be'),
  };
}

/** A check that the register does not know still serves the section that the sensor names. */
function referencesOf(section: string | null): MachineResult['references'] {
  return section !== null && /^164\.3\d\d\b/.test(section) ? { HIPAA: [section] } : {};
}

/** A target that nobody declares any more is not looked at, and forgotten after a week. */
const TARGET_KEPT_S = 7 * 86_400;

/** Machines that are looked at from here. Who is declared stands in the configuration; who is looked at, in what was found. */
export function targetsOf(checks: readonly CurrentCheck[], now_s: number): Machine[] {
  const targets = checks.filter(
    ({ subject, at_s }) => subject.startsWith('t-') && now_s - at_s < TARGET_KEPT_S,
  );
  return machinesOf(targets).map((machine) => ({ ...machine, hostname: machine.subject.slice(2) }));
}

/** Without a list of who counts, everybody does who has ever said something. */
export function machinesOf(checks: readonly CurrentCheck[]): Machine[] {
  const subjects = new Set(checks.map(({ subject }) => subject));
  subjects.delete(APPLIANCE);
  return [...subjects].map((subject) => ({ subject, hostname: subject, heard_s: null }));
}
