import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fsyncFolder } from '../base/atomic-file.ts';
import { BulkheadError } from '../base/errors.ts';
import { type Run, run, runOrThrow } from '../base/run.ts';
import { type BootState, sameBootState, serialiseBootState } from './boot-state.ts';
import { locateBootState, readBootStateFromDevice, writeBootState } from './boot-state-store.ts';
import { BOOT_STATE_FILE, ESP_MOUNT } from './layout-names.ts';
import { BOOT_STATE_BYTES, REMOUNT_TIMEOUT_MS } from './limits.ts';

export interface RepairOptions {
  /** Folder the ESP is mounted at. Default ESP_MOUNT. */
  espMount?: string;
  run?: Run;
}

/**
 * Puts a state where there is none: over damaged bytes in place; as a new file where it is missing or has not 512
 * bytes, which is the only time the ESP is written through its file system (remounted for a moment).
 *
 * @param state what to write: `recoveredState(running, healthy)`
 * @returns what was done
 * @throws BulkheadError BOOT_STATE_NOT_WRITTEN, BOOT_STATE_ESP_LEFT_WRITABLE
 */
export async function repairBootState(
  espDevice: string,
  state: BootState,
  options: RepairOptions = {},
): Promise<'overwritten' | 'created'> {
  const place = locateOrThrow(espDevice);
  if (place?.offset_bytes !== undefined && place.size_bytes === BOOT_STATE_BYTES) {
    writeBootState(espDevice, state);
    return 'overwritten';
  }
  const espMount = options.espMount ?? ESP_MOUNT;
  await withWritableEsp(espMount, options.run ?? run, () =>
    createFile(join(espMount, BOOT_STATE_FILE), serialiseBootState(state)),
  );
  const found = readBootStateFromDevice(espDevice);
  if (!found.state || !sameBootState(found.state, state)) {
    throw new BulkheadError(
      'BOOT_STATE_NOT_WRITTEN',
      `${BOOT_STATE_FILE} was created in ${espMount} but ${espDevice} does not hold it`,
      { hint: `is ${espDevice} what is mounted at ${espMount}?` },
    );
  }
  return 'created';
}

function locateOrThrow(espDevice: string) {
  try {
    return locateBootState(espDevice);
  } catch (cause) {
    throw new BulkheadError('BOOT_STATE_NOT_WRITTEN', `${espDevice} cannot be read as an ESP`, { cause });
  }
}

async function withWritableEsp(espMount: string, runner: Run, write: () => void): Promise<void> {
  const remount = (how: 'rw' | 'ro') =>
    runOrThrow(runner, 'mount', ['-o', `remount,${how}`, espMount], { timeout_ms: REMOUNT_TIMEOUT_MS });
  try {
    await remount('rw');
    write();
  } catch (cause) {
    // The first failure is the one to tell; a mount that never became writable cannot be made read-only either.
    await remount('ro').catch(() => undefined);
    throw new BulkheadError('BOOT_STATE_NOT_WRITTEN', `${BOOT_STATE_FILE} could not be made in ${espMount}`, {
      cause,
    });
  }
  try {
    await remount('ro');
  } catch (cause) {
    throw new BulkheadError('BOOT_STATE_ESP_LEFT_WRITABLE', `${espMount} could not be made read-only again`, {
      cause,
      hint: 'the boot state is written; a reboot mounts it read-only',
    });
  }
}

/** A file with a sector of its own. What was there had none, or more than one, and is of no use. */
function createFile(path: string, content: Uint8Array): void {
  rmSync(path, { force: true, recursive: true });
  const file = openSync(path, 'wx', 0o644);
  try {
    writeSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  fsyncFolder(join(path, '..'));
}
