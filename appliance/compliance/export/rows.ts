import { FRAMEWORK_NAMES, type FrameworkName } from '../../../status-page/compliance/report.ts';
import type { Run } from '../compliance.ts';
import { APPLIANCE } from '../detections.ts';

/** One result as a line of an export. */
export interface ExportRow {
  subject: string;
  hostname: string;
  control: string;
  title: string;
  severity: string;
  state: string;
  seen: string;
  since: string;
  sections: Readonly<Record<FrameworkName, string>>;
  justification: string;
  until: string;
}

/** Every result of a look: those of the appliance, then those of each machine. */
export function exportRows({ report, assessment, machines }: Run): ExportRow[] {
  const since = new Map(report.controls.map((control) => [control.id, control.since]));
  const own = assessment.results.map(({ control, state, seen, justification }): ExportRow => {
    const words =
      justification && [justification.reason, justification.compensates].filter(Boolean).join(' ');
    return {
      subject: APPLIANCE,
      hostname: report.hostname,
      control: control.id,
      title: control.title,
      severity: control.severity,
      state,
      seen,
      since: since.get(control.id) ?? '',
      sections: sectionsOf(control.references),
      justification: words ?? '',
      until: justification?.until ?? '',
    };
  });
  const others = machines.map(
    ({ subject, hostname, check_type, control, references, state, seen }): ExportRow => ({
      ...{ subject, hostname, state, seen },
      control: control?.id ?? check_type,
      title: control?.title ?? check_type,
      severity: control?.severity ?? '',
      since: '',
      sections: sectionsOf(references),
      justification: '',
      until: '',
    }),
  );
  return [...own, ...others];
}

function sectionsOf(references: Readonly<Partial<Record<FrameworkName, readonly string[]>>>) {
  const text = (framework: FrameworkName) => (references[framework] ?? []).join(' ');
  const [HIPAA, SRG, STIG] = FRAMEWORK_NAMES.map(text);
  return { HIPAA: HIPAA ?? '', SRG: SRG ?? '', STIG: STIG ?? '' };
}
