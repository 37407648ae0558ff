import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { VERSION } from '../../base/version.ts';
import { serialiseBootState } from '../../partitions/boot-state.ts';
import { applianceForTest } from './fixtures/appliance.ts';
import { installedDisk } from './fixtures/installed-disk.ts';
import { publish, releaseFolderForTest } from './fixtures/releases.ts';
import { buildVariant, removeVariants, type Variant } from './fixtures/variants.ts';
import { putRange } from './harness/disk.ts';
import { readPartitions, writeExt4File, writeFatFile } from './harness/disk-content.ts';
import { findPartition } from './harness/gpt.ts';
import { COMMITTED, choicesOf, STATE_FILE, stateOnDisk } from './slot-on-trial.ts';
import { healthyOn, install, updateState } from './update-steps.ts';

/** Where an operator steps in: an appliance that is in rescue, and a trial that nobody wants any more. */

const BETTER = '0.2.0';
const BUNDLE = '/var/lib/msp/better.bundle';
const TEST_TIMEOUT_MS = 20 * 60_000;
const FULL = process.env['BULKHEAD_FULL'] === '1';

afterAll(removeVariants);

/** No gate ever passes it: a unit that it needs does not exist. */
function unhealthy(version: string): Promise<Variant> {
  return buildVariant('never-healthy', version, (tree) => {
    const list = join(tree, 'usr/lib/bulkhead/critical-units');
    writeFileSync(list, `${readFileSync(list, 'utf8')}never-built.service\n`);
  });
}

test.runIf(FULL)(
  'an appliance in rescue, with no slot that passes, is given a release and is healthy on it',
  {
    timeout: TEST_TIMEOUT_MS,
  },
  async () => {
    const releases = releaseFolderForTest('rescue');
    const better = await buildVariant('better', BETTER, () => undefined);
    const bundle = await publish(releases, 'better.bundle', better);
    const disk = await installedDisk('rescue');
    const { offset_bytes } = findPartition(await readPartitions(disk), 'root-a');
    await putRange(disk, offset_bytes, (await unhealthy('0.1.1')).file);
    await writeExt4File(disk, 'MSP-DATA', '/better.bundle', readFileSync(bundle));
    // Three boots of A have failed, and B was never good.
    await writeFatFile(disk, 'ESP', STATE_FILE, serialiseBootState({ ...COMMITTED, attempts: 3 }));

    const appliance = await applianceForTest(disk, { name: 'rescue' });
    const status = await appliance.judged();
    expect(status.boot).toMatchObject({ slot: 'A', mode: 'rescue' });
    expect(status.health).toMatchObject({ outcome: 'unhealthy' });
    expect(await install(appliance, `${BUNDLE} --reboot`)).toMatchObject({ code: 0, error: null });
    await healthyOn(appliance, BETTER, 'B');
    expect(choicesOf(appliance.machine.serialText).slice(-1)).toEqual(['B1 trial trial']);
    await appliance.machine.cutPower();
    expect(await stateOnDisk(disk)).toMatchObject({ active: 'B', trial: null, attempts: 0 });
  },
);

test('a trial that an operator goes back from is not committed by the gate that judges it', {
  timeout: TEST_TIMEOUT_MS,
}, async () => {
  const releases = releaseFolderForTest('unwanted');
  const bundle = await publish(
    releases,
    'better.bundle',
    // Long enough on trial for somebody to change their mind: a service that begins anew every 20 s is not steady.
    await buildVariant('unwanted', BETTER, (tree) => {
      const unit = join(tree, 'usr/lib/systemd/system/compliance-agent.service');
      writeFileSync(unit, readFileSync(unit, 'utf8').replace('[Service]', '[Service]\nRuntimeMaxSec=20'));
    }),
  );
  const disk = await installedDisk('unwanted');
  await writeExt4File(disk, 'MSP-DATA', '/better.bundle', readFileSync(bundle));
  const appliance = await applianceForTest(disk, { name: 'unwanted' });
  await healthyOn(appliance, VERSION, 'A');
  expect(await install(appliance, `${BUNDLE} --reboot`)).toMatchObject({ code: 0, error: null });
  await appliance.machine.waitForSerial('BULKHEAD-GRUB start slot=B attempt=1 mode=trial', 180_000);
  await expect
    .poll(
      async () => (await appliance.ssh('bulkhead update rollback --reboot --json').catch(() => null))?.code,
      { timeout: 180_000, interval: 3_000 },
    )
    .toBe(0);
  await healthyOn(appliance, VERSION, 'A');
  expect(choicesOf(appliance.machine.serialText).slice(-2)).toEqual(['B1 trial trial', 'A1 normal active']);
  await expect
    .poll(async () => (await updateState(appliance)).history[0]?.reason, {
      timeout: 60_000,
      interval: 3_000,
    })
    .toContain('an operator went back from it');
});
