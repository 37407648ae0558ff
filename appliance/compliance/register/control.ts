import type { Measure } from './measure.ts';

/** Whose words a control answers to. `STIG` holds requirements of the RHEL 9 and Ubuntu 24.04 guides: the nearest to this image that exist. */
export const FRAMEWORKS = ['HIPAA', 'SRG', 'STIG'] as const;
export type Framework = (typeof FRAMEWORKS)[number];

export const FRAMEWORK_TITLES: Readonly<Record<Framework, string>> = {
  HIPAA: 'HIPAA Security Rule, 45 CFR part 164, subpart C',
  SRG: 'DISA General Purpose Operating System SRG, V3R1',
  STIG: 'DISA STIGs of Red Hat Enterprise Linux 9 (V2R9) and Ubuntu 24.04 LTS (V1R5)',
};

export type ControlSeverity = 'low' | 'medium' | 'high' | 'critical';

/** `BH-AC-01`: the family in two letters, then a number that is never given twice. */
export const CONTROL_ID = /^BH-[A-Z]{2}-\d{2}$/;

export const FAMILIES = {
  AC: 'Access control',
  AU: 'Audit and time',
  CM: 'Configuration and updates',
  IA: 'Identification and keys',
  SC: 'System and communication',
  SI: 'System integrity',
  EP: 'Machines that sensors watch',
} as const;
export type Family = keyof typeof FAMILIES;

/** Why a control cannot hold on this appliance, as long as it is built as it is. */
export interface Exception {
  reason: string;
  /** What stands in its place. */
  compensates: string;
}

/** One thing that has to be so. */
export interface Control {
  id: string;
  title: string;
  /** What it demands, in a sentence. */
  demand: string;
  severity: ControlSeverity;
  /** What a detection of it is called; unique. Sensors use some of these names for their own checks. */
  check: string;
  measure: Measure;
  /** Sections as the frameworks write them; those that it serves, not all that one could argue. */
  references: Readonly<Partial<Record<Framework, readonly string[]>>>;
  /** null: it can hold here. */
  exception: Exception | null;
}

/** @throws TypeError when the id is none */
export function familyOf(id: string): Family {
  const family = id.slice(3, 5);
  if (!CONTROL_ID.test(id) || !(family in FAMILIES)) throw new TypeError(`${id} is no id of a control`);
  return family as Family;
}
