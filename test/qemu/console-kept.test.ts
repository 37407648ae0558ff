import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { BootLogFacts } from '../../appliance/boot-log/present.ts';
import { VERSION } from '../../base/version.ts';
import type { Appliance } from './fixtures/appliance.ts';
import { buildVariant, removeVariants } from './fixtures/variants.ts';
import { choicesOf, diskOnTrial, startTrial } from './slot-on-trial.ts';

/** Why a boot failed is known on the boot that comes after it, though nobody watched and nothing was on a disk. */

/** No release will ever be called that. */
const VARIANT = '0.0.1';
/** Three boots of about 40 s each that panic, and the one back; several times that on a busy machine. */
const BACK_TIMEOUT_MS = 12 * 60_000;
/** The watchdog warns 165 s after it was armed. */
const HANG_TIMEOUT_MS = 10 * 60_000;

afterAll(removeVariants);

test('a slot on trial that panics leaves the log of every attempt, with the last words of its services', async () => {
  const { file } = await buildVariant('last-words', VARIANT, (tree) => {
    const units = join(tree, 'usr/lib/systemd/system');
    const words = 'echo the trial says goodbye; sleep 2; echo c >/proc/sysrq-trigger';
    writeFileSync(join(units, 'last-words.service'), `[Service]\nExecStart=/usr/bin/sh -c '${words}'\n`);
    symlinkSync('../last-words.service', join(units, 'multi-user.target.wants/last-words.service'));
  });
  const disk = await diskOnTrial('last-words', file, 0);
  const appliance = await startTrial('last-words', disk);
  await appliance.judged(BACK_TIMEOUT_MS);
  expect(choicesOf(appliance.machine.serialText).at(-1)).toBe('A1 normal trial-used-up');

  const { recording, logs } = await keptLogs(appliance, '--slot B');
  expect(recording).toBe(true);
  expect(logs.map(({ attempt, mode, version, ending }) => [attempt, mode, version, ending])).toEqual(
    [1, 2, 3].map((attempt) => [attempt, 'trial', VARIANT, 'panic']),
  );
  for (const { lines, at, cut, damaged } of logs) {
    expect([cut, damaged]).toEqual([false, false]);
    expect(Math.abs(Date.parse(at ?? '') - Date.now())).toBeLessThan(BACK_TIMEOUT_MS);
    expect(lines[0]).toContain('Linux version');
    expect(lines.some((line) => line.includes('the trial says goodbye'))).toBe(true);
    expect(lines.some((line) => line.includes('Kernel panic - not syncing: sysrq triggered crash'))).toBe(
      true,
    );
  }
  expect(new Set(logs.map(({ bootId }) => bootId)).size).toBe(3);

  await expectOnlyMemoryUsed(appliance);
  await restart(appliance);
  const after = await keptLogs(appliance, '');
  expect(after.logs.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
  expect(after.logs.at(-1)).toMatchObject({
    ...{ slot: 'A', mode: 'normal', attempt: 1, version: VERSION, ending: 'clean' },
  });
});

test('a slot on trial that hangs leaves a log, because the watchdog warns before it resets', async () => {
  const { file } = await buildVariant('hang-warned', VARIANT, (tree) => {
    const init = join(tree, 'usr/lib/systemd/systemd');
    writeFileSync(init, '#!/bin/sh\necho HANGING >/dev/console\nwhile :; do sleep 1000; done\n');
    chmodSync(init, 0o755);
  });
  const disk = await diskOnTrial('hang-warned', file, 2);
  const appliance = await startTrial('hang-warned', disk);
  const { machine } = appliance;
  await machine.waitForSerial('HANGING', HANG_TIMEOUT_MS);
  // Whether the panic reboots or the watchdog resets is open: in emulation the 10 s between them take twice as long.
  await machine.waitForSerial('Kernel panic - not syncing: watchdog pretimeout event', HANG_TIMEOUT_MS);
  await appliance.judged();
  expect(choicesOf(machine.serialText)).toEqual(['B3 trial trial', 'A1 normal trial-used-up']);

  const { logs } = await keptLogs(appliance, '--slot B');
  expect(logs).toHaveLength(1);
  expect(logs[0]).toMatchObject({ attempt: 3, mode: 'trial', version: VARIANT, ending: 'stopped' });
  expect(logs[0]?.lines.some((line) => line.includes('watchdog pretimeout event'))).toBe(true);
});

async function keptLogs(appliance: Appliance, options: string): Promise<BootLogFacts> {
  // The unit runs beside the rest of the boot; the page may be judged before it is done.
  const settled = 'systemctl is-active --quiet multi-user.target || systemctl start multi-user.target';
  const { code, stdout, stderr } = await appliance.ssh(`${settled}; bulkhead boot-log --json ${options}`);
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as BootLogFacts;
}

/** Nothing was written to firmware variables, nothing waits in memory, and the agent's user may read what was kept. */
async function expectOnlyMemoryUsed(appliance: Appliance): Promise<void> {
  const { stdout } = await appliance.ssh(
    [
      'cat /sys/module/pstore/parameters/backend',
      'ls /sys/firmware/efi/efivars | grep -c ^dump-',
      'grep -c ^efi_pstore /proc/modules',
      'ls /sys/fs/pstore /var/lib/msp/boot-log/incoming | grep -c ramoops',
      'stat -c %a /var/lib/msp/boot-log /var/lib/msp/boot-log/000001-B.txt',
      'systemctl is-failed bulkhead-boot-log.service',
      'cat /sys/class/watchdog/watchdog0/pretimeout /sys/class/watchdog/watchdog0/pretimeout_governor',
    ].join('; '),
  );
  expect(stdout.trim().split('\n')).toEqual([
    'ramoops',
    '0',
    '0',
    '0',
    '755',
    '644',
    'inactive',
    '15',
    'panic',
  ]);
}

async function restart(appliance: Appliance): Promise<void> {
  const boots = choicesOf(appliance.machine.serialText).length;
  await appliance.ssh('systemctl reboot');
  await expect
    .poll(() => choicesOf(appliance.machine.serialText).length, { timeout: 120_000 })
    .toBe(boots + 1);
  await appliance.judged();
}
