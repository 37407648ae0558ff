import { expect } from 'vitest';
import type { Verdict } from '../../health-gate/verdict-schema.ts';
import { armTrial, commitBoot } from '../../partitions/boot-machine-linux.ts';
import {
  type BootAttempts,
  type BootState,
  initialState,
  parseBootState,
  serialiseBootState,
} from '../../partitions/boot-state.ts';
import type { Status } from '../../status-page/status.ts';
import { type Appliance, applianceForTest, HEALTHY_TIMEOUT_MS } from './fixtures/appliance.ts';
import { installedDisk } from './fixtures/installed-disk.ts';
import { putRange } from './harness/disk.ts';
import { readFatFile, readPartitions, writeFatFile } from './harness/disk-content.ts';
import { findPartition } from './harness/gpt.ts';
import type { DiskFile } from './harness/options.ts';

/** An installed disk with slot A committed and a slot B that has to prove itself, and what has to come of it. */

export const STATE_FILE = '/ab_state';

/** Slot A has passed the gate; nothing is on trial. */
export const COMMITTED: BootState = commitBoot(initialState('A'), 'A');

/** What the disk has to say when B was given up and A has passed the gate again. */
const ROLLED_BACK: BootState = { ...COMMITTED, failed: 'B' };

/** The boot state on a disk whose machine is off; undefined when there is none or it is damaged. */
export async function stateOnDisk(disk: DiskFile): Promise<BootState | undefined> {
  const block = await readFatFile(disk, 'ESP', STATE_FILE);
  return block && parseBootState(block);
}

/**
 * A copy of the installed disk with an image in slot B, on trial.
 *
 * @param image file with the slot blob
 * @param attempts boots that B is taken to have had; 2 leaves it one, which saves time
 */
export async function diskOnTrial(name: string, image: string, attempts: BootAttempts): Promise<DiskFile> {
  const disk = await installedDisk(name);
  const { offset_bytes } = findPartition(await readPartitions(disk), 'root-b');
  await putRange(disk, offset_bytes, image);
  const armed = { ...armTrial(COMMITTED, 'B', 'A'), attempts };
  await writeFatFile(disk, 'ESP', STATE_FILE, serialiseBootState(armed));
  return disk;
}

/** Starts the disk as it is; a panic of the slot on trial is what the test is about and ends no wait. */
export function startTrial(name: string, disk: DiskFile): Promise<Appliance> {
  return applianceForTest(disk, { name, expectPanic: true });
}

/** What GRUB said of its choices so far, in order: `B3 trial trial`, `A1 normal trial-used-up`. */
export function choicesOf(serialText: string): string[] {
  const line = /BULKHEAD-GRUB choice slot=(\w) attempt=(\d) mode=(\w+) reason=([\w-]+)/g;
  return [...serialText.matchAll(line)].map(
    ([, slot, attempt, mode, reason]) => `${slot}${attempt} ${mode} ${reason}`,
  );
}

/**
 * Waits until GRUB has given slot B up and started A, switches the appliance off, and checks what the disk says. A tenth
 * of the time that the whole way back takes, which the full run goes every time.
 *
 * @param choices the way there, as choicesOf gives it
 */
export async function expectGivenUp(
  appliance: Appliance,
  disk: DiskFile,
  choices: readonly string[],
): Promise<void> {
  if (process.env['BULKHEAD_FULL'] === '1') {
    await expectRolledBack(appliance, disk, choices);
    return;
  }
  const { machine } = appliance;
  await machine.waitForSerial('BULKHEAD-GRUB start slot=A attempt=1 mode=normal', HEALTHY_TIMEOUT_MS);
  expect(choicesOf(machine.serialText)).toEqual(choices);
  await machine.cutPower();
  expect(await stateOnDisk(disk)).toEqual({ ...ROLLED_BACK, attempts: 1 });
}

/**
 * Waits until the appliance has come back on slot A by itself, switches it off, and checks what page and disk say.
 *
 * @param choices the way there, as choicesOf gives it
 * @returns the status of the boot that came back
 */
export async function expectRolledBack(
  appliance: Appliance,
  disk: DiskFile,
  choices: readonly string[],
): Promise<Status> {
  const status = await appliance.judged();
  expect(choicesOf(appliance.machine.serialText)).toEqual(choices);
  expect(status.health.outcome).toBe('healthy');
  expect(status.slots.map(({ slot, state, running }) => [slot, state, running])).toEqual([
    ['A', 'active', true],
    ['B', 'bad', false],
  ]);
  expect(status.boot).toMatchObject({ slot: 'A', attempt: 1, mode: 'normal', contradiction: null });
  const [verdict] = status.health.verdicts;
  expect(verdict).toMatchObject({
    slot: 'A',
    outcome: 'healthy',
    action: 'commit',
  } satisfies Partial<Verdict>);
  expect(verdict?.reason).toContain('slot B was given up and this boot rolled back to slot A');
  await appliance.machine.cutPower();
  expect(await stateOnDisk(disk)).toEqual(ROLLED_BACK);
  return status;
}
