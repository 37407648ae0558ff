import type { Control } from './control.ts';

/** The kernel, and what it keeps to itself. */
export const SYSTEM: readonly Control[] = [
  {
    id: 'BH-SC-01',
    title: 'Addresses at random',
    demand: 'Programs are laid out in memory at random.',
    severity: 'medium',
    check: 'kernel.aslr',
    measure: { name: 'sysctl', wants: { 'kernel.randomize_va_space': ['2'] } },
    references: {
      HIPAA: ['164.308(a)(5)(ii)(B)'],
      SRG: ['SRG-OS-000433-GPOS-00193'],
      STIG: ['RHEL-09-213070', 'UBTU-24-700310'],
    },
    exception: null,
  },
  {
    id: 'BH-SC-02',
    title: 'Data not executable',
    demand: 'The processors keep data from being executed.',
    severity: 'medium',
    check: 'kernel.nx',
    measure: { name: 'no-execute' },
    references: {
      HIPAA: ['164.308(a)(5)(ii)(B)'],
      SRG: ['SRG-OS-000433-GPOS-00192'],
      STIG: ['RHEL-09-213110', 'UBTU-24-700300'],
    },
    exception: null,
  },
  {
    id: 'BH-SC-03',
    title: 'Faults of processors mitigated',
    demand: 'The kernel knows no fault of these processors that it leaves open.',
    severity: 'medium',
    check: 'kernel.processor',
    measure: { name: 'processor-mitigations' },
    references: {
      HIPAA: ['164.308(a)(1)(ii)(B)'],
      SRG: ['SRG-OS-000433-GPOS-00193'],
      STIG: ['RHEL-09-212050'],
    },
    exception: null,
  },
  {
    id: 'BH-SC-04',
    title: 'Kernel keeps its secrets',
    demand: 'Neither addresses of the kernel nor its messages are shown to those without privileges.',
    severity: 'medium',
    check: 'kernel.secrets',
    measure: {
      name: 'sysctl',
      wants: { 'kernel.kptr_restrict': ['1', '2'], 'kernel.dmesg_restrict': ['1'] },
    },
    references: {
      HIPAA: ['164.312(a)(1)'],
      SRG: ['SRG-OS-000132-GPOS-00067', 'SRG-OS-000138-GPOS-00069'],
      STIG: ['RHEL-09-213010', 'RHEL-09-213025', 'UBTU-24-600140'],
    },
    exception: null,
  },
  {
    id: 'BH-SC-05',
    title: 'No programs for the kernel',
    demand: 'BPF is for those with privileges, and what it compiles is hardened.',
    severity: 'medium',
    check: 'kernel.bpf',
    measure: {
      name: 'sysctl',
      wants: { 'kernel.unprivileged_bpf_disabled': ['1', '2'], 'net.core.bpf_jit_harden': ['2'] },
    },
    references: {
      HIPAA: ['164.312(a)(1)'],
      SRG: ['SRG-OS-000132-GPOS-00067', 'SRG-OS-000480-GPOS-00227'],
      STIG: ['RHEL-09-213075', 'RHEL-09-251045'],
    },
    exception: null,
  },
  {
    id: 'BH-SC-06',
    title: 'Programs cannot watch each other',
    demand: 'Tracing and profiling of other programs is for those with privileges.',
    severity: 'medium',
    check: 'kernel.tracing',
    measure: {
      name: 'sysctl',
      wants: { 'kernel.yama.ptrace_scope': ['1', '2', '3'], 'kernel.perf_event_paranoid': ['2', '3', '4'] },
    },
    references: {
      HIPAA: ['164.312(a)(1)'],
      SRG: ['SRG-OS-000132-GPOS-00067', 'SRG-OS-000138-GPOS-00069'],
      STIG: ['RHEL-09-213015', 'RHEL-09-213080'],
    },
    exception: null,
  },
  {
    id: 'BH-SC-07',
    title: 'No other kernel',
    demand: 'The running kernel cannot be replaced without going through the boot loader.',
    severity: 'medium',
    check: 'kernel.kexec',
    measure: { name: 'sysctl', wants: { 'kernel.kexec_load_disabled': ['1'] } },
    references: {
      HIPAA: ['164.312(c)(1)'],
      SRG: ['SRG-OS-000366-GPOS-00153', 'SRG-OS-000480-GPOS-00227'],
      STIG: ['RHEL-09-213020'],
    },
    exception: null,
  },
  {
    id: 'BH-SC-08',
    title: 'No memory on the disk',
    demand: 'The memory of a crashed program is written nowhere.',
    severity: 'medium',
    check: 'kernel.dumps',
    measure: {
      name: 'sysctl',
      wants: { 'kernel.core_pattern': ['|/bin/false', '|/usr/bin/false'], 'fs.suid_dumpable': ['0'] },
    },
    references: {
      HIPAA: ['164.312(a)(1)'],
      SRG: ['SRG-OS-000480-GPOS-00227'],
      STIG: ['RHEL-09-213040'],
    },
    exception: null,
  },
  {
    id: 'BH-SC-09',
    title: 'Links not to be trusted are not followed',
    demand: 'Links and pipes that somebody else has put into a shared folder lead a program nowhere.',
    severity: 'medium',
    check: 'kernel.links',
    measure: {
      name: 'sysctl',
      wants: {
        'fs.protected_hardlinks': ['1'],
        'fs.protected_symlinks': ['1'],
        'fs.protected_fifos': ['1', '2'],
        'fs.protected_regular': ['1', '2'],
      },
    },
    references: {
      HIPAA: ['164.312(a)(1)'],
      SRG: ['SRG-OS-000312-GPOS-00122', 'SRG-OS-000324-GPOS-00125'],
      STIG: ['RHEL-09-213030', 'RHEL-09-213035'],
    },
    exception: null,
  },
  {
    id: 'BH-SC-10',
    title: 'Data encrypted at rest',
    demand: 'The data partition is encrypted.',
    severity: 'high',
    check: 'disk.encryption',
    measure: { name: 'data-encrypted' },
    references: {
      HIPAA: ['164.312(a)(2)(iv)', '164.310(d)(1)'],
      SRG: ['SRG-OS-000185-GPOS-00079', 'SRG-OS-000404-GPOS-00183', 'SRG-OS-000405-GPOS-00184'],
      STIG: ['RHEL-09-231190', 'UBTU-24-600090'],
    },
    exception: {
      reason:
        'The appliance starts again after a power cut with nobody there, so the key would lie beside the data.',
      compensates:
        'No health information is kept on it: it stores states of checks, not files of the machines it watches. The system is verified, and a stolen appliance is revoked by its device key.',
    },
  },
  {
    id: 'BH-SC-11',
    title: 'Validated cryptography',
    demand: 'The kernel runs in FIPS mode.',
    severity: 'medium',
    check: 'kernel.fips',
    measure: { name: 'sysctl', wants: { 'crypto.fips_enabled': ['1'] } },
    references: {
      HIPAA: ['164.312(e)(2)(ii)'],
      SRG: ['SRG-OS-000478-GPOS-00223'],
      STIG: ['RHEL-09-671010', 'UBTU-24-600030'],
    },
    exception: {
      reason: 'Debian, which the image is made of, has no module with a FIPS 140 certificate.',
      compensates:
        'Ed25519, SHA-256, TLS 1.2 and 1.3 with AES-GCM or ChaCha20-Poly1305 everywhere; the implementations are held to published test vectors.',
    },
  },
];
