import { join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import { readText } from '../../partitions/disks.ts';

/** What the firmware says the machine is (SMBIOS type 1, as the kernel shows it in /sys/class/dmi/id). */
export interface Machine {
  vendor: string | null;
  product: string | null;
}

/** Machines this image was made for. Compared without regard to case: firmware updates have changed it. */
const LISTED: readonly { what: string; vendor: RegExp; product: RegExp }[] = [
  { what: 'HP t640', vendor: /^(hp|hewlett-packard)\b/i, product: /^hp t640 thin client\b/i },
  { what: 'HP t740', vendor: /^(hp|hewlett-packard)\b/i, product: /^hp t740 thin client\b/i },
  { what: 'QEMU', vendor: /^qemu$/i, product: /./ },
];

export function readMachine(dmiFolder: string): Machine {
  return {
    vendor: readText(join(dmiFolder, 'sys_vendor')) ?? null,
    product: readText(join(dmiFolder, 'product_name')) ?? null,
  };
}

/** `HP HP t640 Thin Client`, or what is missing. */
export function describeMachine(machine: Machine): string {
  return `${machine.vendor ?? 'unknown maker'}, ${machine.product ?? 'unknown model'}`;
}

/**
 * @param allowed `any`: whatever is there is accepted
 * @throws BulkheadError INSTALL_HARDWARE_REFUSED
 */
export function checkHardware(machine: Machine, allowed: 'listed' | 'any'): void {
  const listed = LISTED.some(
    ({ vendor, product }) => vendor.test(machine.vendor ?? '') && product.test(machine.product ?? ''),
  );
  if (listed || allowed === 'any') return;
  throw new BulkheadError(
    'INSTALL_HARDWARE_REFUSED',
    `this machine is '${describeMachine(machine)}'; this image is for ${LISTED.map(({ what }) => what).join(', ')}`,
    {
      hint:
        "take the stick to the right machine, or put 'install: {hardware: any}' into config.yaml on the stick " +
        '(or bulkhead.hardware=any on the kernel command line) to install anyway',
    },
  );
}
