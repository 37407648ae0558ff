import type { ComplianceReport, ControlReport, ControlState, Tally } from './report.ts';

const AT = '2026-11-21T12:00:00.000Z';

/** Numbers with their rates, as the site counts them. */
function tally(holds: number, fails: number, unknown: number, justified: number): Tally {
  const applies = holds + fails + unknown + justified;
  return {
    ...{ holds, fails, unknown, justified, not_applicable: 1 },
    rate: applies === 0 ? null : (holds + justified) / applies,
    strict_rate: applies === 0 ? null : holds / applies,
  };
}

function control(id: string, title: string, state: ControlState, seen: string): ControlReport {
  return {
    ...{ id, title, state, seen, severity: 'high' as const, since: AT, justification: null, machines: null },
    demand: `${title} is as it has to be.`,
    measure: 'the state of the unit, by `systemctl show`',
    references: [{ framework: 'HIPAA', sections: ['164.312(a)(1)'] }],
  };
}

/** An appliance on which one control fails, beside a machine that needs a look. For tests. */
export function exampleReport(): ComplianceReport {
  const encryption: ControlReport = {
    ...control('BH-SC-10', 'Data encrypted at rest', 'justified', 'not encrypted'),
    references: [
      { framework: 'HIPAA', sections: ['164.312(a)(2)(iv)'] },
      { framework: 'STIG', sections: ['RHEL-09-231190', 'UBTU-24-600090'] },
    ],
    justification: {
      by: 'register',
      reason: 'The appliance starts again with nobody there.',
      compensates: 'A stolen appliance is revoked by its device key.',
      until: null,
    },
  };
  const workstations: ControlReport = {
    ...control('BH-EP-01', 'Disk of a workstation encrypted', 'fails', 'fails on 1, holds on 2'),
    machines: tally(2, 1, 0, 0),
  };
  const failing = { subject: 's-00000000000000a1', hostname: 'till-1' };
  return {
    generated_at: AT,
    hostname: 'bulkhead-4c1f9e',
    period: { from: '2026-11-19T23:00:00.000Z', until: AT },
    appliance: tally(2, 1, 0, 1),
    frameworks: [
      { framework: 'HIPAA', title: 'HIPAA Security Rule', ...tally(4, 2, 0, 1) },
      { framework: 'SRG', title: 'General Purpose Operating System SRG', ...tally(0, 0, 0, 0) },
      { framework: 'STIG', title: 'STIGs of RHEL 9 and Ubuntu 24.04', ...tally(0, 0, 0, 1) },
    ],
    controls: [
      control('BH-AC-01', 'Firewall in force', 'holds', 'as configured, open: tcp/80'),
      control('BH-AU-05', 'Clock synchronised', 'holds', 'within 24 hours'),
      encryption,
      control('BH-SC-17', 'Wireless off', 'fails', 'up: wlan0'),
      workstations,
    ],
    machines: [
      { subject: 'appliance', hostname: 'bulkhead-4c1f9e', ...tally(2, 1, 0, 1), failing: ['BH-SC-17'] },
      { ...failing, ...tally(0, 1, 0, 0), failing: ['BH-EP-01'] },
    ],
    machines_left_out: 0,
    findings: [
      {
        ...{ ...failing, check_type: 'bitlocker', control: 'BH-EP-01', severity: 'critical' },
        ...{ opened_at: AT, expected: 'on', actual: 'the disk is not encrypted' },
      },
    ],
    findings_left_out: 0,
    history: [
      { at: '2026-11-19T23:00:00.000Z', ...tally(3, 0, 0, 1) },
      { at: '2026-11-20T23:00:00.000Z', ...tally(2, 0, 1, 1) },
      { at: AT, ...tally(2, 1, 0, 1) },
    ],
    problems: [],
  };
}
