import { describe, expect, test } from 'vitest';
import { type BootState, serialiseBootState } from '../../partitions/boot-state.ts';
import { applianceForTest } from './fixtures/appliance.ts';
import { installedDisk } from './fixtures/installed-disk.ts';
import { deleteFatFile, readFatFile, writeFatFile } from './harness/disk-content.ts';
import type { DiskFile } from './harness/options.ts';
import { COMMITTED, choicesOf, STATE_FILE, stateOnDisk } from './slot-on-trial.ts';

/**
 * The installed appliance with a boot state that is not one. Each kind goes through the real GRUB in seconds in
 * grub-disk.test.ts; here the whole image boots, and the gate makes the state good again.
 */

const FULL = process.env['BULKHEAD_FULL'] === '1';
/** Firmware and GRUB take 10 s here; several times that on a busy machine. */
const GRUB_TIMEOUT_MS = 3 * 60_000;

const whole = Buffer.from(serialiseBootState(COMMITTED));
const garbage = new Uint8Array(512).map((_, index) => (index * 167 + 13) & 0xff);
/** Half of the sector is the new state, half is what lay there before. */
const torn = Buffer.concat([whole.subarray(0, 70), Buffer.alloc(442, 0xff)]);

describe('the gate makes a boot state again', () => {
  test('that is missing', () =>
    expectRepair('missing', 'missing', (disk) => deleteFatFile(disk, 'ESP', STATE_FILE)));
  test('that is garbage', () => expectRepair('garbage', 'damaged', overwrite(garbage)));
});

describe.runIf(FULL)('the gate makes a boot state again (only in the full run)', () => {
  test('that is empty', () => expectRepair('empty', 'damaged', overwrite(new Uint8Array(0))));
  test('that is zeroed', () => expectRepair('zeroed', 'damaged', overwrite(new Uint8Array(512))));
  test('that is torn', () => expectRepair('torn', 'damaged', overwrite(torn)));
});

/**
 * @param condition what the appliance calls it before the gate has judged
 * @param hurt changes the boot state of a disk whose machine is off
 */
async function expectRepair(
  name: string,
  condition: 'missing' | 'damaged',
  hurt: (disk: DiskFile) => Promise<void>,
): Promise<void> {
  const disk = await installedDisk(`state-${name}`);
  await hurt(disk);
  expect(await stateOnDisk(disk)).toBeUndefined();

  const appliance = await applianceForTest(disk, { name: `state-${name}` });
  const { machine } = appliance;
  const { health, boot } = await appliance.judged();
  expect(choicesOf(machine.serialText)).toEqual(['A0 normal no-state']);
  expect(boot).toMatchObject({ slot: 'A', attempt: 0, mode: 'normal' });
  expect(health.outcome).toBe('healthy');
  const [verdict] = health.verdicts;
  expect(verdict).toMatchObject({ outcome: 'healthy', action: 'commit' });
  expect(verdict?.checks.find((check) => check.name === 'boot-state')?.message).toContain(condition);
  await machine
    .http(80)
    .waitForHttp(
      '/api/v1/status',
      (answer) => (answer.json() as { boot: { stateFile: string } }).boot.stateFile === 'ok',
      GRUB_TIMEOUT_MS,
    );
  await machine.cutPower();
  const running: BootState = COMMITTED;
  expect(await stateOnDisk(disk)).toEqual(running);
  expect(await readFatFile(disk, 'ESP', STATE_FILE)).toHaveLength(512);

  // What the gate made is a file that GRUB can count in again.
  const next = await applianceForTest(disk, { name: `state-${name}-next` });
  await next.machine.waitForSerial('BULKHEAD-GRUB start slot=A attempt=1 mode=normal', GRUB_TIMEOUT_MS);
  await next.machine.cutPower();
  expect(await stateOnDisk(disk)).toEqual({ ...running, attempts: 1 });
}

function overwrite(content: Uint8Array): (disk: DiskFile) => Promise<void> {
  return (disk) => writeFatFile(disk, 'ESP', STATE_FILE, content);
}
