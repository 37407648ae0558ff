import type { Control } from './control.ts';

/** That the appliance notices what is wrong with it. */
export const INTEGRITY: readonly Control[] = [
  {
    id: 'BH-SI-01',
    title: 'Watchdog armed',
    demand: 'A hardware watchdog resets the appliance when it hangs.',
    severity: 'medium',
    check: 'watchdog',
    measure: { name: 'watchdog' },
    references: { HIPAA: ['164.308(a)(7)(i)'], SRG: ['SRG-OS-000447-GPOS-00201'] },
    exception: null,
  },
  {
    id: 'BH-SI-02',
    title: 'Room for what is recorded',
    demand: 'At most nine tenths of the data partition are used.',
    severity: 'high',
    check: 'disk',
    measure: { name: 'data-space' },
    references: {
      HIPAA: ['164.312(b)'],
      SRG: ['SRG-OS-000341-GPOS-00132'],
      STIG: ['RHEL-09-653030', 'UBTU-24-900920'],
    },
    exception: null,
  },
  {
    id: 'BH-SI-03',
    title: 'Security module',
    demand: 'A security module of the kernel, AppArmor or SELinux, confines services.',
    severity: 'medium',
    check: 'kernel.mac',
    measure: { name: 'mandatory-access' },
    references: {
      HIPAA: ['164.308(a)(5)(ii)(B)'],
      SRG: ['SRG-OS-000445-GPOS-00199', 'SRG-OS-000368-GPOS-00154'],
      STIG: ['RHEL-09-431010', 'UBTU-24-100510'],
    },
    exception: {
      reason: 'The image brings no policy for a security module.',
      compensates:
        'Every service that talks to the network has a user of its own and a sandbox of namespaces, filtered system calls and no capabilities (BH-AC-12), on a system that cannot be written (BH-CM-01).',
    },
  },
  {
    id: 'BH-SI-04',
    title: 'Nothing runs from the boot partition',
    demand: 'The boot partition is read-only.',
    severity: 'medium',
    check: 'disk.boot',
    measure: { name: 'mount', path: '/boot', options: ['ro'] },
    references: { HIPAA: ['164.312(c)(1)'], SRG: ['SRG-OS-000259-GPOS-00100'] },
    exception: null,
  },
  {
    id: 'BH-SI-05',
    title: 'No devices in shared memory',
    demand: 'Shared memory holds neither devices nor programs that change who runs them.',
    severity: 'low',
    check: 'disk.shared-memory',
    measure: { name: 'mount', path: '/dev/shm', options: ['nosuid', 'nodev'] },
    references: {
      HIPAA: ['164.312(a)(1)'],
      SRG: ['SRG-OS-000368-GPOS-00154'],
      STIG: ['RHEL-09-231110', 'RHEL-09-231120'],
    },
    exception: null,
  },
];
