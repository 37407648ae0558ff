import { join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import { hardwareName, LISTED_HARDWARE, type Machine } from '../../base/hardware.ts';
import { readText } from '../../partitions/disks.ts';

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
  if (hardwareName(machine) !== null || allowed === 'any') return;
  throw new BulkheadError(
    'INSTALL_HARDWARE_REFUSED',
    `this machine is '${describeMachine(machine)}'; this image is for ${LISTED_HARDWARE.map(({ what }) => what).join(', ')}`,
    {
      hint:
        "take the stick to the right machine, or put 'install: {hardware: any}' into config.yaml on the stick " +
        '(or bulkhead.hardware=any on the kernel command line) to install anyway',
    },
  );
}
