import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { VERSION } from '../../base/version.ts';
import { type Appliance, applianceForTest } from './fixtures/appliance.ts';
import { installedDisk } from './fixtures/installed-disk.ts';
import { publish, releasesForTest } from './fixtures/releases.ts';
import { buildVariant, removeVariants } from './fixtures/variants.ts';
import { healthyOn, install, updateState } from './update-steps.ts';

/** A site that may be without its appliance from ten to eleven in the evening, in its own time zone. */

const NEXT = '0.2.0';
/** Always seven hours ahead of UTC, so the evening there is the afternoon of the clock. */
const ZONE = 'Asia/Bangkok';
const WINDOW = '{start: "22:00", end: "23:00", days: [mon, tue, wed, thu, fri, sat, sun]}';
const BEFORE = '14:40:00';
const OPENING = '15:00:00';
/** Another one that the firewall lets out: the first belongs to the test that runs beside this one. */
const PORT = 5985;
const DAY = new Date().toISOString().slice(0, 10);

afterAll(removeVariants);

test('an update that was left to the service is fetched at once and reboots in the maintenance window, not before', {
  timeout: 20 * 60_000,
}, async () => {
  const releases = await releasesForTest('window', PORT);
  const next = await buildVariant('window', NEXT, (tree) =>
    writeFileSync(join(tree, 'usr/lib/bulkhead/greeting'), 'good evening\n'),
  );
  await publish(releases, 'next.bundle', next);
  const disk = await installedDisk('window');
  const appliance = await applianceForTest(disk, { name: 'window' });
  await healthyOn(appliance, VERSION, 'A');
  const set = `bulkhead config set time.zone ${ZONE} && bulkhead config set update.window '${WINDOW}'`;
  expect(await appliance.ssh(set)).toMatchObject({ code: 0, stderr: '' });

  // No time server can be reached here: without one, nothing would ever reboot by the clock.
  await setClock(appliance, BEFORE);
  const asked = await install(appliance, `${releases.server.url('next.bundle')} --reboot --detach`);
  expect(asked).toMatchObject({ code: 0, error: null });
  await expect
    .poll(async () => (await updateState(appliance)).state, { timeout: 180_000, interval: 5_000 })
    .toBe('ready');
  expect(await tryReboot(appliance)).toContain('waits: the clock was not synchronised yet');
  await appliance.ssh('mkdir -p /run/systemd/timesync && touch /run/systemd/timesync/synchronized');
  expect(await tryReboot(appliance)).toContain(`waits for `);
  expect((await updateState(appliance)).onItsWay).toMatchObject({ version: NEXT, reboot: 'window' });
  expect(appliance.machine.events.filter(({ event }) => event === 'RESET')).toEqual([]);

  // From here on nobody does anything: the timer looks at the clock.
  await setClock(appliance, OPENING);
  await healthyOn(appliance, NEXT, 'B');
  await expect
    .poll(async () => (await updateState(appliance)).history[0], { timeout: 60_000, interval: 3_000 })
    .toMatchObject({ outcome: 'succeeded', version: NEXT, from_version: VERSION });
});

async function setClock(appliance: Appliance, time: string): Promise<void> {
  const { code, stderr } = await appliance.ssh(`date -u -s '${DAY} ${time}'`);
  expect([code, stderr]).toEqual([0, '']);
}

/** What the timer does every minute, and what it says. */
async function tryReboot(appliance: Appliance): Promise<string> {
  return (await appliance.ssh('bulkhead update reboot-when-due')).stdout;
}
