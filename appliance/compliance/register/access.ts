import type { Control } from './control.ts';

/** Who gets in, and by which way. */
export const ACCESS: readonly Control[] = [
  {
    id: 'BH-AC-01',
    title: 'Firewall in force',
    demand:
      'The kernel holds exactly the packet filter that the configuration asks for, dropping what no rule accepts.',
    severity: 'critical',
    check: 'firewall',
    measure: { name: 'firewall' },
    references: {
      HIPAA: ['164.312(a)(1)', '164.312(e)(1)'],
      SRG: ['SRG-OS-000297-GPOS-00115', 'SRG-OS-000480-GPOS-00232'],
      STIG: ['RHEL-09-251020', 'UBTU-24-100300'],
    },
    exception: null,
  },
  {
    id: 'BH-AC-02',
    title: 'Only known ports accepted',
    demand:
      'The loaded rules accept no port from anywhere but those of the status page, SSH and the sensors.',
    severity: 'high',
    check: 'firewall.ports',
    measure: { name: 'firewall-ports' },
    references: {
      HIPAA: ['164.312(a)(1)'],
      SRG: ['SRG-OS-000096-GPOS-00050'],
      STIG: ['RHEL-09-251035', 'UBTU-24-300041'],
    },
    exception: null,
  },
  {
    id: 'BH-AC-03',
    title: 'Firewall looked at',
    demand: 'Root has read the rules out of the kernel within the last half hour.',
    severity: 'medium',
    check: 'firewall.fresh',
    measure: { name: 'firewall-fresh' },
    references: {
      HIPAA: ['164.308(a)(1)(ii)(D)'],
      SRG: ['SRG-OS-000445-GPOS-00199', 'SRG-OS-000446-GPOS-00200'],
    },
    exception: null,
  },
  {
    id: 'BH-AC-04',
    title: 'Nothing listens unknown',
    demand:
      'No program listens beyond the loopback on a port that is not one of the services of the appliance.',
    severity: 'high',
    check: 'services.listening',
    measure: { name: 'listeners' },
    references: {
      HIPAA: ['164.312(a)(1)'],
      SRG: ['SRG-OS-000095-GPOS-00049', 'SRG-OS-000096-GPOS-00050'],
      STIG: ['RHEL-09-251035', 'UBTU-24-300041'],
    },
    exception: null,
  },
  {
    id: 'BH-AC-05',
    title: 'SSH by key alone',
    demand: 'SSH lets in by public key and by nothing else; no empty password, no keyboard, no trusted host.',
    severity: 'critical',
    check: 'ssh',
    measure: {
      name: 'ssh-setting',
      wants: {
        authenticationmethods: ['publickey'],
        pubkeyauthentication: ['yes'],
        passwordauthentication: ['no'],
        kbdinteractiveauthentication: ['no'],
        permitemptypasswords: ['no'],
        hostbasedauthentication: ['no'],
        gssapiauthentication: ['no'],
        kerberosauthentication: ['no'],
      },
    },
    references: {
      HIPAA: ['164.312(a)(1)', '164.312(d)'],
      SRG: ['SRG-OS-000125-GPOS-00065', 'SRG-OS-000480-GPOS-00229'],
      STIG: [
        'RHEL-09-255035',
        'RHEL-09-255040',
        'RHEL-09-255080',
        'RHEL-09-255135',
        'RHEL-09-255140',
        'UBTU-24-300031',
      ],
    },
    exception: null,
  },
  {
    id: 'BH-AC-06',
    title: 'SSH passes nothing on',
    demand: 'SSH forwards no port, no display, no agent and no tunnel, and takes no environment from a user.',
    severity: 'medium',
    check: 'ssh.forwarding',
    measure: {
      name: 'ssh-setting',
      wants: {
        x11forwarding: ['no'],
        allowtcpforwarding: ['no'],
        allowagentforwarding: ['no'],
        permittunnel: ['no'],
        permituserenvironment: ['no'],
      },
    },
    references: {
      HIPAA: ['164.312(a)(1)'],
      SRG: ['SRG-OS-000480-GPOS-00227'],
      STIG: ['RHEL-09-255085', 'RHEL-09-255155', 'UBTU-24-300022'],
    },
    exception: null,
  },
  {
    id: 'BH-AC-07',
    title: 'Dead sessions end',
    demand: 'A session over SSH whose other side has gone is ended within ten minutes.',
    severity: 'medium',
    check: 'ssh.idle',
    measure: { name: 'ssh-idle', max_s: 600 },
    references: {
      HIPAA: ['164.312(a)(2)(iii)'],
      SRG: ['SRG-OS-000163-GPOS-00072', 'SRG-OS-000279-GPOS-00109'],
      STIG: ['RHEL-09-255095', 'RHEL-09-255100', 'UBTU-24-600000', 'UBTU-24-600010'],
    },
    exception: null,
  },
  {
    id: 'BH-AC-08',
    title: 'No log-in as root over SSH',
    demand: 'Nobody logs in over SSH as root directly.',
    severity: 'medium',
    check: 'ssh.root',
    measure: { name: 'ssh-setting', wants: { permitrootlogin: ['no'] } },
    references: {
      HIPAA: ['164.312(a)(2)(i)'],
      SRG: ['SRG-OS-000109-GPOS-00056'],
      STIG: ['RHEL-09-255045'],
    },
    exception: {
      reason:
        'The appliance has no account for a person: who logs in is here to repair, and needs root for it.',
      compensates:
        'SSH is off until a key is configured; by key alone, each key belongs to one person and stands with its name in the configuration, and the log names the key of every log-in.',
    },
  },
  {
    id: 'BH-AC-09',
    title: 'Few tries at SSH',
    demand: 'A connection to SSH has at most three tries and half a minute to log in.',
    severity: 'medium',
    check: 'ssh.attempts',
    measure: { name: 'ssh-attempts', tries_max: 3, grace_max_s: 30 },
    references: { HIPAA: ['164.308(a)(5)(ii)(C)'] },
    exception: null,
  },
  {
    id: 'BH-AC-10',
    title: 'Nobody logs in at the console',
    demand: 'No log-in prompt and no debugging shell runs on a screen or a serial line.',
    severity: 'high',
    check: 'services.console',
    measure: {
      name: 'units-not-running',
      units: [
        'getty@tty1.service',
        'serial-getty@ttyS0.service',
        'console-getty.service',
        'debug-shell.service',
        'emergency.service',
      ],
    },
    references: {
      HIPAA: ['164.310(c)', '164.312(a)(1)'],
      SRG: ['SRG-OS-000080-GPOS-00048', 'SRG-OS-000324-GPOS-00125'],
      STIG: ['RHEL-09-211055'],
    },
    exception: null,
  },
  {
    id: 'BH-AC-11',
    title: 'One privileged account',
    demand: 'Only root has user id 0, and only root has a shell to log in with.',
    severity: 'high',
    check: 'users',
    measure: { name: 'accounts-privileged' },
    references: {
      HIPAA: ['164.312(a)(2)(i)', '164.308(a)(4)(i)'],
      SRG: ['SRG-OS-000480-GPOS-00227'],
      STIG: ['RHEL-09-411095', 'RHEL-09-411100'],
    },
    exception: null,
  },
  {
    id: 'BH-AC-12',
    title: 'Network services without privileges',
    demand:
      'What talks to the network runs as a user of its own, gains no privilege, and sees a read-only system.',
    severity: 'high',
    check: 'services.sandbox',
    measure: {
      name: 'sandbox',
      units: { 'compliance-agent.service': ['cap_net_bind_service'], 'bulkhead-site.service': [] },
    },
    references: {
      HIPAA: ['164.312(a)(1)'],
      SRG: ['SRG-OS-000134-GPOS-00068', 'SRG-OS-000326-GPOS-00126'],
    },
    exception: null,
  },
];
