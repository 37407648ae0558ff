import type { Control } from './control.ts';

/** What runs, where it came from, and what is there when it fails. */
export const CONFIGURATION: readonly Control[] = [
  {
    id: 'BH-CM-01',
    title: 'System verified block by block',
    demand:
      'The running system is read-only and every block of it is checked against a signed tree of hashes when it is read.',
    severity: 'critical',
    check: 'image.verity',
    measure: { name: 'root-verity' },
    references: {
      HIPAA: ['164.312(c)(1)'],
      SRG: ['SRG-OS-000363-GPOS-00150', 'SRG-OS-000366-GPOS-00153'],
      STIG: ['RHEL-09-214030', 'UBTU-24-100100'],
    },
    exception: null,
  },
  {
    id: 'BH-CM-02',
    title: 'Boot judged healthy',
    demand: 'The health gate has found this boot healthy, and the slot that runs is committed.',
    severity: 'high',
    check: 'boot',
    measure: { name: 'boot-judged' },
    references: {
      HIPAA: ['164.308(a)(1)(ii)(D)'],
      SRG: ['SRG-OS-000445-GPOS-00199', 'SRG-OS-000446-GPOS-00200', 'SRG-OS-000447-GPOS-00201'],
    },
    exception: null,
  },
  {
    id: 'BH-CM-03',
    title: 'A slot to fall back to',
    demand: 'The slot that does not run holds a whole image that this appliance can go back to.',
    severity: 'medium',
    check: 'image.fallback',
    measure: { name: 'fallback-slot' },
    references: { HIPAA: ['164.308(a)(7)(i)'] },
    exception: null,
  },
  {
    id: 'BH-CM-04',
    title: 'Updates installed',
    demand: 'The running image was built within the last 90 days.',
    severity: 'high',
    check: 'patches',
    measure: { name: 'image-age' },
    references: {
      HIPAA: ['164.308(a)(1)(ii)(B)', '164.308(a)(5)(ii)(B)'],
      SRG: ['SRG-OS-000439-GPOS-00195'],
      STIG: ['RHEL-09-211015'],
    },
    exception: null,
  },
  {
    id: 'BH-CM-05',
    title: 'Release keys protected',
    demand: 'The keys by which releases are verified stand in the image and can be changed by nobody.',
    severity: 'high',
    check: 'image.keys',
    measure: { name: 'file', path: '/usr/lib/bulkhead/keyset.json', mode_max: 0o644, owners: ['root'] },
    references: {
      HIPAA: ['164.312(c)(1)'],
      SRG: ['SRG-OS-000366-GPOS-00153', 'SRG-OS-000775-GPOS-00230'],
    },
    exception: null,
  },
  {
    id: 'BH-CM-06',
    title: 'Configuration accepted',
    demand: 'The set-up of this boot has carried out the whole configuration and found nothing wrong in it.',
    severity: 'medium',
    check: 'configuration',
    measure: { name: 'configuration' },
    references: { HIPAA: ['164.308(a)(8)'], SRG: ['SRG-OS-000480-GPOS-00227'] },
    exception: null,
  },
  {
    id: 'BH-CM-07',
    title: 'Services run',
    demand: 'Every service that the image calls critical runs.',
    severity: 'high',
    check: 'services',
    measure: { name: 'units-running', units: 'critical' },
    references: { HIPAA: ['164.308(a)(1)(ii)(D)'], SRG: ['SRG-OS-000445-GPOS-00199'] },
    exception: null,
  },
  {
    id: 'BH-CM-08',
    title: 'Secure Boot',
    demand: 'The firmware starts nothing but what is signed.',
    severity: 'medium',
    check: 'boot.secure',
    measure: { name: 'secure-boot' },
    references: { HIPAA: ['164.312(c)(1)'] },
    exception: {
      reason: 'The boot loader of this image is not signed by a key that the firmware of an HP T640 knows.',
      compensates:
        'The loader checks kernel and initrd by their hashes before it starts them, the system is verified block by block from there on, and the appliance stands where nobody reaches its disk unseen.',
    },
  },
];
