import { copyFileSync, existsSync } from 'node:fs';
import { BulkheadError } from '../../../base/errors.ts';

/** Where Debian's package `ovmf` puts UEFI for virtual machines: the 4 MiB build first, the older 2 MiB one else. */
const BUILDS = [
  { code: '/usr/share/OVMF/OVMF_CODE_4M.fd', variables: '/usr/share/OVMF/OVMF_VARS_4M.fd' },
  { code: '/usr/share/OVMF/OVMF_CODE.fd', variables: '/usr/share/OVMF/OVMF_VARS.fd' },
] as const;

/**
 * UEFI for one machine: the shared program and a fresh copy of the variables, so that no machine boots by what
 * another has stored.
 *
 * @throws BulkheadError MACHINE_FIRMWARE_MISSING
 */
export function prepareFirmware(variables: string): { code: string; variables: string } {
  const build = BUILDS.find(({ code }) => existsSync(code));
  if (!build) {
    throw new BulkheadError('MACHINE_FIRMWARE_MISSING', `no UEFI firmware at ${BUILDS[0].code}`, {
      hint: 'node scripts/setup.mjs installs it (package ovmf)',
    });
  }
  copyFileSync(build.variables, variables);
  return { code: build.code, variables };
}
