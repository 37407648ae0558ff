import { expect, test } from 'vitest';
import { bootPhases } from './boot-phases.ts';

/** Lines of a real boot, cut down. The kernel's zero lies at 5.31 s: its first lines came late. */
const LOG = `    3.463 BdsDxe: loading Boot0001 "UEFI Misc Device" from PciRoot(0x0)/Pci(0x3,0x0)
    3.468 BdsDxe: starting Boot0001 "UEFI Misc Device" from PciRoot(0x0)/Pci(0x3,0x0)
    4.671 BULKHEAD-GRUB version 0.1.0
    5.524 [    0.000000] Linux version 6.12.117+deb13-amd64
    8.814 [    3.504164] bulkhead-initrd: start
   11.244 [    5.926431] bulkhead-initrd: switch root
   18.967          Starting bulkhead-setup.service - …this boot from the configuration...
   28.008 [  OK  ] Finished bulkhead-setup.service - …p this boot from the configuration.
   28.030          Starting bulkhead-firewall.service - Firewall...
   33.008 [  OK  ] Finished bulkhead-firewall.service - Firewall.
   35.309          Starting compliance-agent.service - Bulkhead agent and status page...
   40.100 [  OK  ] Started compliance-agent.service - Bulkhead agent and status page.
   44.741 [   39.423000] bulkhead[387]: healthy, to be committed: all decisive checks passed
`;

test('a boot is cut where its console says that a phase has ended', () => {
  expect(bootPhases(LOG).map(({ seconds }) => seconds)).toEqual([
    3.47, 1.84, 3.5, 2.43, 7.72, 9.04, 5, 2.3, 4.79, 4.64,
  ]);
});

test('the phases are the whole boot: none overlaps, none is left out', () => {
  const sum = bootPhases(LOG).reduce((total, { seconds }) => total + seconds, 0);
  expect(sum).toBeCloseTo(44.741, 1);
});

test('a marker that never came is an error that names the phase, not a phase of no length', () => {
  const silent = LOG.replace(/^.*Finished bulkhead-firewall.*\n/m, '');
  expect(() => bootPhases(silent)).toThrow(/bulkhead firewall apply/);
});
