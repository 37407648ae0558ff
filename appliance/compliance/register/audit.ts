import type { Control } from './control.ts';

/** What is written down, and by which clock. */
export const AUDIT: readonly Control[] = [
  {
    id: 'BH-AU-01',
    title: 'Evidence whole',
    demand: 'The chain of evidence is whole, signed and takes new records.',
    severity: 'critical',
    check: 'evidence',
    measure: { name: 'evidence-whole' },
    references: {
      HIPAA: ['164.312(b)', '164.312(c)(1)', '164.312(c)(2)'],
      SRG: ['SRG-OS-000058-GPOS-00028', 'SRG-OS-000059-GPOS-00029'],
    },
    exception: null,
  },
  {
    id: 'BH-AU-02',
    title: 'Evidence countersigned',
    demand: 'The coordinator has countersigned a checkpoint of the evidence within the last seven days.',
    severity: 'medium',
    check: 'evidence.countersigned',
    measure: { name: 'evidence-countersigned' },
    references: {
      HIPAA: ['164.312(b)'],
      SRG: ['SRG-OS-000342-GPOS-00133', 'SRG-OS-000479-GPOS-00224'],
    },
    exception: null,
  },
  {
    id: 'BH-AU-03',
    title: 'Log taken',
    demand: 'The journal takes what services and kernel say.',
    severity: 'high',
    check: 'services.journal',
    measure: { name: 'units-running', units: ['systemd-journald.service'] },
    references: {
      HIPAA: ['164.312(b)', '164.308(a)(1)(ii)(D)'],
      SRG: ['SRG-OS-000269-GPOS-00103'],
      STIG: ['RHEL-09-211040'],
    },
    exception: null,
  },
  {
    id: 'BH-AU-04',
    title: 'Audit daemon',
    demand: 'The audit daemon of the kernel records security events.',
    severity: 'medium',
    check: 'services.audit',
    measure: { name: 'audit-daemon' },
    references: {
      HIPAA: ['164.312(b)'],
      SRG: ['SRG-OS-000062-GPOS-00031'],
      STIG: ['RHEL-09-653010', 'UBTU-24-100400'],
    },
    exception: {
      reason:
        'The image has no audit daemon: its rules are about people who work on a machine, and nobody works on this one.',
      compensates:
        'What services do stands in the journal, what the appliance observes and changes in the signed, hash-chained evidence, and the system itself is read-only and verified.',
    },
  },
  {
    id: 'BH-AU-05',
    title: 'Clock synchronised',
    demand: 'A time server has answered within the last 24 hours.',
    severity: 'high',
    check: 'time',
    measure: { name: 'clock-synchronised' },
    references: {
      HIPAA: ['164.312(b)'],
      SRG: ['SRG-OS-000355-GPOS-00143', 'SRG-OS-000785-GPOS-00250'],
      STIG: ['RHEL-09-252020', 'UBTU-24-600160'],
    },
    exception: null,
  },
  {
    id: 'BH-AU-06',
    title: 'Clock right',
    demand: 'The clock is less than a second from that of the time server.',
    severity: 'medium',
    check: 'time.offset',
    measure: { name: 'clock-offset' },
    references: {
      HIPAA: ['164.312(b)'],
      SRG: ['SRG-OS-000356-GPOS-00144'],
      STIG: ['UBTU-24-600180'],
    },
    exception: null,
  },
  {
    id: 'BH-AU-07',
    title: 'Crashes leave a record',
    demand: 'What the kernel said before a crash outlives the reset.',
    severity: 'low',
    check: 'crash-record',
    measure: { name: 'crash-record' },
    references: {
      HIPAA: ['164.308(a)(6)(ii)'],
      SRG: ['SRG-OS-000269-GPOS-00103'],
      STIG: ['UBTU-24-100200'],
    },
    exception: null,
  },
];
