import { mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fsyncFolder, writeFileAtomic } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import { readKeysetFile, serialiseKeysetFile } from './keyset-file.ts';
import { acceptKeysets, anchorTrust, type TrustedKeys } from './trust.ts';

/**
 * The newest set of a file that is trusted because of where it is: in the image, or named by an operator.
 *
 * @throws BulkheadError KEYS_FILE_INVALID and what reading and following the sets throw
 */
export function trustKeysetFile(path: string): TrustedKeys {
  const [first, ...others] = readKeysetFile(path);
  if (!first) throw new BulkheadError('KEYS_FILE_INVALID', `there is no key set in ${path}`);
  return acceptKeysets(anchorTrust(first), others).trusted;
}

/**
 * Whom the appliance trusts: the set of the image, and what followed it by releases that were installed. What is on the data
 * partition counts only as far as it follows from the image; when it does not, it is passed over and told.
 *
 * @param imageFile IMAGE_KEYSET_FILE
 * @param deviceFile DEVICE_KEYSET_FILE; may be missing
 * @returns `problem`: why the device's file was passed over; null when it was not
 * @throws BulkheadError when the image's file is missing or damaged: KEYS_FILE_UNREADABLE and those of trustKeysetFile
 */
export function loadTrustedKeys(
  imageFile: string,
  deviceFile: string,
): { keys: TrustedKeys; problem: BulkheadError | null } {
  const keys = trustKeysetFile(imageFile);
  try {
    if (statSync(deviceFile, { throwIfNoEntry: false }) === undefined) return { keys, problem: null };
    return { keys: acceptKeysets(keys, readKeysetFile(deviceFile)).trusted, problem: null };
  } catch (cause) {
    const problem = new BulkheadError(
      'KEYS_DEVICE_SET_IGNORED',
      `the key sets in ${deviceFile} do not count; those of the image do`,
      {
        cause,
        hint: 'sudo bulkhead update forget --keys removes them; what they revoked is trusted again then',
      },
    );
    return { keys, problem };
  }
}

/**
 * Keeps the sets that led to this trust, so that it is found again after a reboot, also by the older image of the other slot.
 * Durable when it returns.
 *
 * @throws BulkheadError KEYS_STORE_FAILED
 */
export function storeDeviceKeyset(path: string, { chain }: TrustedKeys): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileAtomic(path, serialiseKeysetFile(chain));
  } catch (cause) {
    throw new BulkheadError('KEYS_STORE_FAILED', `cannot write the key sets to ${path}`, {
      cause,
      hint: 'the data partition is full, read-only or damaged: df, dmesg',
    });
  }
}

/**
 * Back to the key sets of the image: what newer ones revoked is trusted again, so only an operator decides that. Durable
 * when it returns.
 *
 * @throws BulkheadError KEYS_STORE_FAILED
 */
export function removeDeviceKeyset(path: string): void {
  try {
    rmSync(path, { force: true });
    fsyncFolder(dirname(path));
  } catch (cause) {
    throw new BulkheadError('KEYS_STORE_FAILED', `cannot remove the key sets in ${path}`, {
      cause,
      hint: 'the data partition is read-only or damaged: dmesg',
    });
  }
}
