import type { Control } from './control.ts';

/** What the kernel does with packets. */
export const NETWORK: readonly Control[] = [
  {
    id: 'BH-SC-12',
    title: 'Floods of connections survived',
    demand: 'Half-open connections do not keep others out.',
    severity: 'medium',
    check: 'network.floods',
    measure: { name: 'sysctl', wants: { 'net.ipv4.tcp_syncookies': ['1'] } },
    references: {
      HIPAA: ['164.312(e)(1)'],
      SRG: ['SRG-OS-000142-GPOS-00071', 'SRG-OS-000420-GPOS-00186'],
      STIG: ['RHEL-09-253010', 'UBTU-24-600190'],
    },
    exception: null,
  },
  {
    id: 'BH-SC-13',
    title: 'Nobody redirects',
    demand: 'The appliance takes no ICMP redirect and sends none.',
    severity: 'medium',
    check: 'network.redirects',
    measure: {
      name: 'sysctl',
      wants: {
        'net.ipv4.conf.all.accept_redirects': ['0'],
        'net.ipv4.conf.default.accept_redirects': ['0'],
        'net.ipv6.conf.all.accept_redirects': ['0'],
        'net.ipv6.conf.default.accept_redirects': ['0'],
        'net.ipv4.conf.all.send_redirects': ['0'],
        'net.ipv4.conf.default.send_redirects': ['0'],
      },
    },
    references: {
      HIPAA: ['164.312(e)(1)'],
      SRG: ['SRG-OS-000480-GPOS-00227'],
      STIG: [
        'RHEL-09-253015',
        'RHEL-09-253040',
        'RHEL-09-253065',
        'RHEL-09-253070',
        'RHEL-09-254015',
        'RHEL-09-254035',
      ],
    },
    exception: null,
  },
  {
    id: 'BH-SC-14',
    title: 'Senders do not choose the way',
    demand: 'Packets that carry their own route are not taken.',
    severity: 'medium',
    check: 'network.routes',
    measure: {
      name: 'sysctl',
      wants: {
        'net.ipv4.conf.all.accept_source_route': ['0'],
        'net.ipv4.conf.default.accept_source_route': ['0'],
        'net.ipv6.conf.all.accept_source_route': ['0'],
        'net.ipv6.conf.default.accept_source_route': ['0'],
      },
    },
    references: {
      HIPAA: ['164.312(e)(1)'],
      SRG: ['SRG-OS-000480-GPOS-00227'],
      STIG: ['RHEL-09-253020', 'RHEL-09-253045', 'RHEL-09-254020', 'RHEL-09-254040'],
    },
    exception: null,
  },
  {
    id: 'BH-SC-15',
    title: 'Senders are who they could be',
    demand:
      'Packets with a sender that no route leads to are dropped, and echoes to everybody are not answered.',
    severity: 'medium',
    check: 'network.senders',
    measure: {
      name: 'sysctl',
      wants: { 'net.ipv4.conf.all.rp_filter': ['1', '2'], 'net.ipv4.icmp_echo_ignore_broadcasts': ['1'] },
    },
    references: {
      HIPAA: ['164.312(e)(1)'],
      SRG: ['SRG-OS-000480-GPOS-00227'],
      STIG: ['RHEL-09-253055'],
    },
    exception: null,
  },
  {
    id: 'BH-SC-16',
    title: 'No router',
    demand: 'The appliance forwards no packets.',
    severity: 'medium',
    check: 'network.forwarding',
    measure: {
      name: 'sysctl',
      wants: { 'net.ipv4.ip_forward': ['0'], 'net.ipv6.conf.all.forwarding': ['0'] },
    },
    references: {
      HIPAA: ['164.312(e)(1)'],
      SRG: ['SRG-OS-000480-GPOS-00227'],
      STIG: ['RHEL-09-253075', 'RHEL-09-254025'],
    },
    exception: null,
  },
  {
    id: 'BH-SC-17',
    title: 'Wireless off',
    demand: 'No wireless interface is up.',
    severity: 'medium',
    check: 'network.wireless',
    measure: { name: 'wireless-off' },
    references: {
      HIPAA: ['164.312(e)(1)'],
      SRG: ['SRG-OS-000299-GPOS-00117', 'SRG-OS-000300-GPOS-00118'],
      STIG: ['RHEL-09-291040', 'UBTU-24-600230'],
    },
    exception: null,
  },
];
