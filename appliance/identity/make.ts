import { chownSync, readFileSync, rmSync, statSync } from 'node:fs';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import { deviceIdOf } from '../../base/signing/key-id.ts';
import { decideIdentity, type FileState } from './decide.ts';
import { deviceKeyFromSeed, formatKeyFile, parseKeyFile } from './key-file.ts';
import { IDENTITY_FILE_MAX_BYTES, SEED_BYTES } from './limits.ts';
import type { Owner } from './owner.ts';
import {
  type DeviceIdentity,
  NEW_IDENTITY_HINT,
  readDeviceIdentity,
  readDeviceKey,
  recordFileOf,
} from './read.ts';
import { parseRecord, recordOf } from './record.ts';

export interface IdentityOutcome {
  identity: DeviceIdentity;
  /** made: a new key; completed: the record was written again; kept: all was there. */
  how: 'made' | 'completed' | 'kept';
}

/**
 * Makes the device key pair on the first boot and leaves it alone ever after. Durable: when it returns, key and record
 * are on the disk and were read back.
 *
 * @param keyFile  in a folder only root can write to
 * @param keyOwner who may read the key (0400): the agent's user
 * @param random   source of the seed; the kernel's by default
 * @throws BulkheadError IDENTITY_DAMAGED when what is there may be known to others and is not whole; nothing was changed
 */
export function ensureDeviceIdentity(
  keyFile: string,
  keyOwner: Owner,
  random: (size_bytes: number) => Uint8Array = kernelRandom,
): IdentityOutcome {
  const recordFile = recordFileOf(keyFile);
  const keyText = readIfThere(keyFile);
  const recordText = readIfThere(recordFile);
  const key = keyText === undefined ? undefined : parseKeyFile(keyText);
  const record = recordText === undefined ? undefined : parseRecord(recordText);
  const decision = decideIdentity({
    key: stateOf(keyText, key),
    record: stateOf(recordText, record),
    matches: key !== undefined && record?.device_id === deviceIdOf(key.publicKey),
  });
  if (decision.act === 'refuse') {
    throw new BulkheadError(
      'IDENTITY_DAMAGED',
      `the device identity in ${keyFile} was not touched: ${decision.reason}`,
      {
        hint: NEW_IDENTITY_HINT,
      },
    );
  }
  let publicKey = key?.publicKey;
  if (decision.act === 'make' || publicKey === undefined) {
    const seed = random(SEED_BYTES);
    // Left over from an interrupted run, it would keep its mode.
    rmSync(`${keyFile}.new`, { force: true });
    writeFileAtomic(keyFile, formatKeyFile(seed), 0o400);
    publicKey = deviceKeyFromSeed(seed).publicKey;
  }
  chownSync(keyFile, keyOwner.uid, keyOwner.gid);
  if (decision.act !== 'keep') {
    writeFileAtomic(recordFile, `${JSON.stringify(recordOf(publicKey))}\n`, 0o444);
  }
  // Throws unless the disk now holds one whole key and its record.
  readDeviceKey(keyFile);
  const how = decision.act === 'make' ? 'made' : decision.act === 'complete' ? 'completed' : 'kept';
  return { identity: readDeviceIdentity(keyFile), how };
}

export function stateOf(text: string | undefined, parsed: unknown): FileState {
  if (text === undefined) return 'missing';
  if (text.length === 0) return 'empty';
  return parsed === undefined ? 'damaged' : 'valid';
}

/** The text of a small file; undefined when there is none. */
export function readIfThere(path: string): string | undefined {
  try {
    if (statSync(path).size > IDENTITY_FILE_MAX_BYTES) return '(too large)';
    return readFileSync(path, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function kernelRandom(size_bytes: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(size_bytes));
}
