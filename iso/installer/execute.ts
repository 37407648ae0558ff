import { makeDataPartition } from './data-partition.ts';
import { lockDisk } from './disk-lock.ts';
import type { InstallEffects } from './effects.ts';
import { compareEspFiles, formatEsp, writeEspFiles } from './esp.ts';
import type { StepId } from './events.ts';
import type { IdentityFile } from './identity.ts';
import { espFiles, type InstallJob, installRecord, markerContent } from './job.ts';
import { eraseKept, findIdentity, putDown } from './kept-identity.ts';
import { writePartitionTable } from './partition-table.ts';
import { ESP_MARKER } from './paths.ts';
import { useUpReinstallMark } from './reinstall-mark.ts';
import { checkImage, compareSlot, emptyOtherSlot, writeSlot } from './slot-writer.ts';
import { verifyInstallation } from './verify.ts';
import { wipeTables } from './wipe.ts';

/** An error together with the step it happened in. */
export class StepFailure extends Error {
  constructor(
    readonly step: StepId,
    override readonly cause: unknown,
  ) {
    super(`step ${step} failed`, { cause });
  }
}

/**
 * Carries a job out, step by step. Everything starts with the wipe, so it can be repeated after any interruption; the marker
 * is the last thing written, after everything before it was flushed and read back, so it never lies.
 *
 * @throws StepFailure, BulkheadError INSTALL_DISK_BUSY
 */
export async function executeInstall(job: InstallJob, effects: InstallEffects): Promise<void> {
  const step: Step = async (id, act) => {
    effects.emit({ event: 'step', step: id, state: 'started' });
    try {
      const result = await act();
      effects.emit({ event: 'step', step: id, state: 'done' });
      return result;
    } catch (cause) {
      throw new StepFailure(id, cause);
    }
  };

  const unlock = lockDisk(job.path);
  try {
    await carryOut(job, effects, step);
  } finally {
    unlock();
  }
}

type Step = <T>(id: StepId, act: () => Promise<T>) => Promise<T>;

async function carryOut(job: InstallJob, effects: InstallEffects, step: Step): Promise<void> {
  let kept: IdentityFile[] | null = null;
  if (job.keepIdentity) kept = await step('identity', () => keepIdentity(job, effects));
  else effects.emit({ event: 'step', step: 'identity', state: 'skipped' });
  const identity = kept ?? [];
  const installedAt = effects.now();
  const record = installRecord(job, installedAt, kept !== null);

  await step('wipe', async () => {
    if (job.reinstallMark) await useUpReinstallMark(job.reinstallMark, effects);
    await wipeTables(job, effects);
  });
  await step('table', () => writePartitionTable(job, effects));
  const written = await step('slot', () => writeSlot(job, effects));
  await step('compare', () => compareSlot(job, effects, written));
  await step('loader', async () => {
    await emptyOtherSlot(job, effects);
    await formatEsp(job, effects);
    await writeEspFiles(job, effects, espFiles(job));
  });
  await step('data', () => makeDataPartition(job, effects, record, identity));
  await step('verify', async () => {
    await flushDisk(job, effects);
    await verifyInstallation(job, effects, record, identity);
  });
  await step('finish', async () => {
    // The data partition was read back: from here on the identity is there.
    await eraseKept(job, effects);
    const marker = new Map([[ESP_MARKER, markerContent(job, installedAt)]]);
    await writeEspFiles(job, effects, marker);
    await compareEspFiles(job, effects, marker);
    await flushDisk(job, effects);
  });
}

/**
 * Takes the identity and puts it where no later step writes. The whole image is read first: a bad stick must be found while the
 * disk is still what it was.
 */
async function keepIdentity(job: InstallJob, effects: InstallEffects): Promise<IdentityFile[] | null> {
  const kept = await findIdentity(job, effects);
  if (kept === null) {
    effects.emit({ event: 'note', text: 'identity: none was found, the appliance makes a new one' });
    return null;
  }
  await checkImage(job, effects);
  const safe = await putDown(job, effects, kept);
  effects.emit({
    event: 'note',
    text: safe ? 'identity: kept' : 'identity: kept, in memory alone: do not interrupt the installation',
  });
  return kept;
}

async function flushDisk(job: InstallJob, effects: InstallEffects): Promise<void> {
  const disk = effects.open(job.path, 'write');
  try {
    await disk.flush();
  } finally {
    await disk.close();
  }
}
