import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { run, runOrThrow } from '../../base/run.ts';
import type { Verdict } from '../../health-gate/verdict-schema.ts';
import { applianceForTest, HEALTHY_TIMEOUT_MS } from './fixtures/appliance.ts';
import { directBootForTest } from './fixtures/direct-boot.ts';
import { installedDisk } from './fixtures/installed-disk.ts';
import { readExt4File, withPartition } from './harness/disk-content.ts';
import { machineForTest } from './harness/vitest-machine.ts';
import { Box } from './running/box.ts';
import { stateOnDisk } from './slot-on-trial.ts';

/** What an appliance meets in the field: no network, a pressed button, a full disk, a long repair. */

const FULL = process.env['BULKHEAD_FULL'] === '1';
const OFF_TIMEOUT_MS = 2 * 60_000;

let box: Box | undefined;
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') box?.machine.keepLogs();
  await box?.stop();
  box = undefined;
});

test('without any network card a boot is healthy and committed, and the power button ends it cleanly', async () => {
  const disk = await installedDisk('alone');
  const machine = await machineForTest({
    name: 'alone',
    disks: [disk],
    watchdog: 'i6300esb',
    network: 'none',
  });
  await machine.waitForSerial('this boot is committed', HEALTHY_TIMEOUT_MS);
  // The console goes on telling, and says what is missing.
  await machine.waitForSerial(/no address|no network/i, HEALTHY_TIMEOUT_MS);
  await machine.powerButton();
  await machine.waitForPowerOff(OFF_TIMEOUT_MS);
  await machine.stop();
  expect(await stateOnDisk(disk)).toMatchObject({ active: 'A', attempts: 0, failed: null });
  const journal = Buffer.from(
    (await readExt4File(disk, 'MSP-DATA', '/health/verdicts.jsonl')) ?? [],
  ).toString();
  const [verdict] = journal.split('\n').map((line) => JSON.parse(line || '{}') as Verdict);
  expect(verdict).toMatchObject({ outcome: 'healthy', action: 'commit' });
  const failing = verdict?.checks.filter(({ outcome }) => outcome === 'fail') ?? [];
  expect(failing.every(({ decisive }) => !decisive)).toBe(true);
  expect(failing.map(({ name }) => name)).toContain('network-link');
  // A clean end leaves a file system that was unmounted, not one with a journal to replay.
  const state = await withPartition(disk, 'MSP-DATA', 'read', (image) =>
    runOrThrow(run, 'dumpe2fs', ['-h', image]),
  );
  expect(state).not.toContain('needs_recovery');
});

test('with a full data partition the page answers, says what is the matter, and no boot is committed', async () => {
  box = await Box.start('full');
  expect((await box.appliance.judged()).health.outcome).toBe('healthy');
  const { bootId } = (await box.status()).boot;
  // To the last block, that of root's reserve included.
  await box.sh(
    `cd /var/lib/msp && set -- $(stat -f -c '%f %S' .) && fallocate -l $(($1 * $2 * 9 / 10)) filler`,
  );
  await box.try('dd if=/dev/zero of=/var/lib/msp/more bs=1M; sync');
  expect(Number(await box.sh('df --output=avail /var/lib/msp | tail -n 1'))).toBeLessThan(1024);
  // Seen while it runs …
  await box.try('systemctl start msp-health-observe');
  const now = await box.statusWhere(({ health }) => health.outcome === 'unhealthy');
  expect(now.boot.bootId).toBe(bootId);
  // … and on the next boot, whose page answers while the gate still looks.
  await box.sh('systemctl reboot');
  const next = await box.statusWhere(({ boot }) => boot.bootId !== bootId, 2 * HEALTHY_TIMEOUT_MS);
  expect(next.boot.mode).toBe('normal');
  await box.machine.waitForSerial(/this boot is unhealthy: .*disk-space \(0 B free/, HEALTHY_TIMEOUT_MS);
  expect(box.machine.serialText.match(/this boot is committed/g)).toHaveLength(1);
});

/** What the repair of this test takes; the watchdog of its initrd waits for less. */
const REPAIR_S = 75;
const HEARTBEAT_S = 45;

describe.runIf(FULL)('a repair of the data partition (only in the full run)', () => {
  test('may take longer than the watchdog waits, and the boot goes on after it', async () => {
    const disk = await installedDisk('repair');
    const direct = await directBootForTest(disk, 'A');
    // The kernel unpacks one archive after the other: the second one puts a slow e2fsck and a short watchdog in place.
    if (direct.initrd === undefined) throw new Error('the slot has no initrd');
    appendFileSync(direct.initrd, await overlayArchive());
    const appliance = await applianceForTest(disk, { name: 'repair', firmware: direct });
    const { health } = await appliance.judged(HEALTHY_TIMEOUT_MS + REPAIR_S * 1000);
    expect(health.outcome).toBe('healthy');
    const resets = appliance.machine.events.filter(({ event }) => ['RESET', 'WATCHDOG'].includes(event));
    expect(resets).toEqual([]);
    expect((await appliance.ssh('cat /run/bulkhead/fsck.log')).stdout).toContain(`repaired in ${REPAIR_S} s`);
    expect((await appliance.ssh('dmesg')).stdout).toContain(`heartbeat=${HEARTBEAT_S} sec`);
  });
});

/** A cpio archive over the initrd. */
async function overlayArchive(): Promise<Uint8Array> {
  const folder = (await runOrThrow(run, 'mktemp', ['-d'])).trim();
  onTestFinished(() => void run('rm', ['-r', folder]));
  mkdirSync(join(folder, 'usr/sbin'), { recursive: true });
  mkdirSync(join(folder, 'etc/modprobe.d'), { recursive: true });
  const script = `#!/bin/sh\nsleep ${REPAIR_S}\necho repaired in ${REPAIR_S} s\n`;
  writeFileSync(join(folder, 'usr/sbin/e2fsck'), script, { mode: 0o755 });
  writeFileSync(
    join(folder, 'etc/modprobe.d/watchdog.conf'),
    `options i6300esb heartbeat=${HEARTBEAT_S} nowayout=1\n`,
  );
  const archive = `${folder}/../${crypto.randomUUID()}.cpio`;
  await runOrThrow(run, 'sh', [
    '-c',
    'cd "$1" && find . -mindepth 1 | cpio --quiet -o -H newc >"$2"',
    'pack',
    folder,
    archive,
  ]);
  const bytes = await Bun.file(archive).bytes();
  await run('rm', [archive]);
  return bytes;
}
