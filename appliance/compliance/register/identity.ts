import type { Control } from './control.ts';

/** Keys and passwords. */
export const IDENTITY: readonly Control[] = [
  {
    id: 'BH-IA-01',
    title: 'Device key private',
    demand: 'The key that the appliance proves itself with is readable by its agent and by root alone.',
    severity: 'critical',
    check: 'identity.device-key',
    measure: {
      name: 'file',
      path: '/var/lib/msp/identity/device.key',
      mode_max: 0o600,
      owners: ['root', 'msp'],
    },
    references: {
      HIPAA: ['164.312(d)'],
      SRG: ['SRG-OS-000067-GPOS-00035', 'SRG-OS-000780-GPOS-00240'],
    },
    exception: null,
  },
  {
    id: 'BH-IA-02',
    title: 'SSH host key private',
    demand: 'The host key of SSH is readable by root alone.',
    severity: 'high',
    check: 'identity.ssh-key',
    measure: {
      name: 'file',
      path: '/var/lib/msp/identity/ssh/ssh_host_ed25519_key',
      mode_max: 0o600,
      owners: ['root'],
      optional: true,
    },
    references: {
      HIPAA: ['164.312(d)', '164.312(e)(1)'],
      SRG: ['SRG-OS-000067-GPOS-00035'],
      STIG: ['RHEL-09-255120'],
    },
    exception: null,
  },
  {
    id: 'BH-IA-03',
    title: 'No passwords',
    demand: 'No account has a password, an empty one included.',
    severity: 'critical',
    check: 'users.passwords',
    measure: { name: 'accounts-passwords' },
    references: {
      HIPAA: ['164.312(d)'],
      SRG: ['SRG-OS-000480-GPOS-00227'],
      STIG: ['RHEL-09-611155', 'UBTU-24-300027'],
    },
    exception: null,
  },
  {
    id: 'BH-IA-04',
    title: 'Configuration confidential',
    demand:
      'The configuration, which may hold a wireless passphrase, is readable by root and the agent alone.',
    severity: 'high',
    check: 'configuration.mode',
    measure: {
      name: 'file',
      path: '/var/lib/msp/config.yaml',
      mode_max: 0o640,
      owners: ['root'],
      optional: true,
    },
    references: { HIPAA: ['164.312(a)(1)'], SRG: ['SRG-OS-000080-GPOS-00048'] },
    exception: null,
  },
  {
    id: 'BH-IA-05',
    title: 'Account files protected',
    demand: 'The list of accounts can be changed by root alone.',
    severity: 'medium',
    check: 'users.files',
    measure: { name: 'file', path: '/etc/passwd', mode_max: 0o644, owners: ['root'] },
    references: {
      HIPAA: ['164.312(a)(1)'],
      SRG: ['SRG-OS-000480-GPOS-00227'],
      STIG: ['RHEL-09-232075', 'RHEL-09-232130'],
    },
    exception: null,
  },
];
