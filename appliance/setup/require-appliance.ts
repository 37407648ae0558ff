import { readFileSync } from 'node:fs';
import { BulkheadError, describeError } from '../../base/errors.ts';
import type { SetupPaths } from './paths.ts';

/**
 * Keeps a set-up from changing a machine that is no appliance: host name, network, time and log-in of a workstation are
 * not ours. The words of our boot loader on the kernel's command line tell, and not a file that a broken boot may lack.
 * Below another root nothing of this machine is touched, so that is always allowed.
 *
 * @throws BulkheadError SETUP_NOT_AN_APPLIANCE, SETUP_NOT_ROOT
 */
export function requireAppliance(paths: SetupPaths, userId: number | undefined): void {
  if (paths.root !== '') return;
  let commandLine: string;
  try {
    commandLine = readFileSync(paths.kernelCommandLine, 'utf8');
  } catch (error) {
    throw notAnAppliance(`${paths.kernelCommandLine} cannot be read: ${describeError(error)}`);
  }
  if (!bootedByBulkhead(commandLine)) throw notAnAppliance('it was not started by the Bulkhead boot loader');
  if (userId !== 0) {
    throw new BulkheadError('SETUP_NOT_ROOT', 'setting up a boot needs root; nothing was changed', {
      hint: "'bulkhead setup --dry-run' shows what it would do",
    });
  }
}

/** Whether our boot loader started this machine; no, where that cannot be told. */
export function startedByBulkhead(kernelCommandLine = '/proc/cmdline'): boolean {
  try {
    return bootedByBulkhead(readFileSync(kernelCommandLine, 'utf8'));
  } catch {
    return false;
  }
}

/** Whether our boot loader started this kernel, by its command line. */
export function bootedByBulkhead(commandLine: string): boolean {
  return /(^|\s)(ab|bulkhead)\./.test(commandLine);
}

function notAnAppliance(reason: string): BulkheadError {
  return new BulkheadError(
    'SETUP_NOT_AN_APPLIANCE',
    `this machine is not set up, because it is no appliance: ${reason}`,
    {
      hint: "nothing was changed; '--dry-run' shows what would be written, '--root FOLDER' works on a tree elsewhere",
    },
  );
}
