import { BulkheadError } from '../../base/errors.ts';
import { readIfThere } from './make.ts';

/** machine-id(5): 32 lower-case hex digits and a line break; all zeros is "not set". */
export function isMachineId(text: string): boolean {
  return /^[0-9a-f]{32}\n$/.test(text) && !/^0{32}/.test(text);
}

/**
 * Checks that the machine id on the data partition is whole and is the one systemd runs with. The initrd makes it and binds
 * it over /etc/machine-id before systemd starts, so setting it here would come too late: this only verifies.
 *
 * @returns the id, 32 hex digits
 * @throws BulkheadError MACHINE_ID_INVALID, MACHINE_ID_MISMATCH
 */
export function verifyMachineId(storedFile: string, runningFile: string): string {
  const stored = readIfThere(storedFile);
  if (stored === undefined || !isMachineId(stored)) {
    const what = stored === undefined ? 'does not exist' : 'is not 32 hex digits and a line break';
    throw new BulkheadError('MACHINE_ID_INVALID', `${storedFile} ${what}`, {
      hint: 'restart: the initrd makes a missing one; remove a damaged one first',
    });
  }
  const running = readIfThere(runningFile)?.trim();
  if (running !== stored.trim()) {
    throw new BulkheadError(
      'MACHINE_ID_MISMATCH',
      `the system runs with machine id ${running ?? '(none)'}, the data partition holds ${stored.trim()}`,
      { hint: 'the initrd did not bind the file; see its messages in the kernel log' },
    );
  }
  return stored.trim();
}
