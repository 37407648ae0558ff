import { chmodSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { BootLogFacts } from '../../appliance/boot-log/present.ts';
import { VERSION } from '../../base/version.ts';
import { type BootAttempts, serialiseBootState } from '../../partitions/boot-state.ts';
import type { PastUpdate } from '../../updater/state/records.ts';
import { type Appliance, applianceForTest } from './fixtures/appliance.ts';
import { installedDisk } from './fixtures/installed-disk.ts';
import { publish, releaseFolderForTest } from './fixtures/releases.ts';
import { buildVariant, removeVariants } from './fixtures/variants.ts';
import { writeExt4File, writeFatFile } from './harness/disk-content.ts';
import { choicesOf, STATE_FILE, startTrial, stateOnDisk } from './slot-on-trial.ts';
import { healthyOn, install, updateState } from './update-steps.ts';

/**
 * Releases that are signed, complete and bad. The appliance comes back on the slot before by itself, says why on its page, in its
 * history and with the last words of the boots that failed, and does not take the release a second time.
 */

const FULL = process.env['BULKHEAD_FULL'] === '1';
const BAD = '0.2.0';
const BUNDLE = '/var/lib/msp/bad.bundle';
/** Up to three boots that fail and the one back; the watchdog takes 165 s, the gate two minutes. Times two when busy. */
const BACK_TIMEOUT_MS = 12 * 60_000;
const TEST_TIMEOUT_MS = 25 * 60_000;
const LAST_ATTEMPT = ['B3 trial trial', 'A1 normal trial-used-up'];

afterAll(removeVariants);

/** An appliance that tried the release and came back from it. */
interface Comeback {
  appliance: Appliance;
  entry: PastUpdate;
  /** Of the boots of the bad slot. */
  logs: BootLogFacts['logs'];
}

/**
 * Installs a release that `change` made bad, lets it be tried, and checks all that is the same whatever was bad about it.
 *
 * @param attempts boots that the trial is taken to have had; 2 leaves it one, which saves time
 */
async function comeback(
  name: string,
  attempts: BootAttempts,
  change: (tree: string) => void,
): Promise<Comeback> {
  const releases = releaseFolderForTest(name);
  const bundle = await publish(releases, 'bad.bundle', await buildVariant(name, BAD, change));
  const disk = await installedDisk(name);
  await writeExt4File(disk, 'MSP-DATA', '/bad.bundle', readFileSync(bundle));
  const before = await applianceForTest(disk, { name: `${name}-installs` });
  await healthyOn(before, VERSION, 'A');
  expect(await install(before, BUNDLE)).toMatchObject({ code: 0, error: null });
  await before.ssh('systemctl --no-block poweroff');
  await before.machine.waitForPowerOff(120_000);
  const armed = await stateOnDisk(disk);
  expect(armed).toMatchObject({ active: 'A', trial: 'B', attempts: 0, good: { A: true, B: false } });
  if (armed && attempts > 0)
    await writeFatFile(disk, 'ESP', STATE_FILE, serialiseBootState({ ...armed, attempts }));

  const appliance = await startTrial(name, disk);
  const status = await healthyOn(appliance, VERSION, 'A', BACK_TIMEOUT_MS);
  expect(choicesOf(appliance.machine.serialText)).toEqual(
    attempts === 2 ? LAST_ATTEMPT : ['B1 trial trial', 'B2 trial trial', ...LAST_ATTEMPT],
  );
  expect(status.slots.map(({ slot, state }) => `${slot} ${state}`)).toEqual(['A active', 'B bad']);

  // Both follow the verdict, after the page has said healthy.
  await appliance.ssh('systemctl start bulkhead-boot-log.service bulkhead-update-conclude.service');
  const { history, rejected } = await updateState(appliance);
  const [entry] = history;
  if (!entry) throw new Error('the history is empty');
  expect(entry).toMatchObject({ outcome: 'rolled_back', version: BAD, from_version: VERSION, slot: 'B' });
  expect(rejected).toMatchObject([{ version: BAD, reason: entry.reason }]);
  await appliance.machine
    .http(80)
    .waitForHttp('/', ({ status: code, body }) => code === 200 && body.includes(entry.reason), 60_000);
  expect((await install(appliance, BUNDLE)).error?.code).toBe('UPDATE_REJECTED_BEFORE');

  const { stdout } = await appliance.ssh('bulkhead boot-log --json --slot B');
  const { recording, logs } = JSON.parse(stdout) as BootLogFacts;
  expect(recording).toBe(true);
  return { appliance, entry, logs };
}

/** A service of the bad release, started with all the others. */
function addService(tree: string, name: string, script: string): void {
  const units = join(tree, 'usr/lib/systemd/system');
  writeFileSync(join(units, name), `[Service]\nExecStart=/usr/bin/sh -c '${script}'\n`);
  symlinkSync(`../${name}`, join(units, 'multi-user.target.wants', name));
}

test('a release that panics is left after three boots, with the log of each', {
  timeout: TEST_TIMEOUT_MS,
}, async () => {
  const { appliance, entry, logs } = await comeback('bad-panics', 0, (tree) =>
    addService(
      tree,
      'last-words.service',
      'echo the trial says goodbye; sleep 2; echo c >/proc/sysrq-trigger',
    ),
  );
  const ends = [1, 2, 3].map((attempt) => `attempt ${attempt} ended in a panic`).join(', ');
  expect(entry.reason).toBe(`no boot of it reached the health gate: ${ends}`);
  expect(entry.console_tail.some((line) => line.includes('sysrq triggered crash'))).toBe(true);
  expect(logs.map(({ attempt, mode, version, ending }) => [attempt, mode, version, ending])).toEqual(
    [1, 2, 3].map((attempt) => [attempt, 'trial', BAD, 'panic']),
  );
  for (const { lines, at, cut, damaged } of logs) {
    expect([cut, damaged]).toEqual([false, false]);
    expect(Math.abs(Date.parse(at ?? '') - Date.now())).toBeLessThan(BACK_TIMEOUT_MS);
    expect(lines[0]).toContain('Linux version');
    expect(lines.some((line) => line.includes('the trial says goodbye'))).toBe(true);
    expect(lines.some((line) => line.includes('sysrq triggered crash'))).toBe(true);
  }
  expect(new Set(logs.map(({ bootId }) => bootId)).size).toBe(3);
  await expectOnlyMemoryUsed(appliance);
});

describe.runIf(FULL)('other bad releases (only in the full run)', () => {
  test('a release whose agent answers and dies, again and again, is refused by the gate', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const alive = 'until systemctl -q is-active compliance-agent; do sleep 1; done';
    const { entry, logs, appliance } = await comeback('bad-crash-loop', 2, (tree) =>
      addService(
        tree,
        'crash-loop.service',
        `while :; do ${alive}; sleep 5; systemctl kill -s KILL compliance-agent; done`,
      ),
    );
    expect(entry.reason).toMatch(/^the health gate refused it: .*compliance-agent\.service /);
    expect(logs.map(({ attempt, ending }) => [attempt, ending])).toEqual([[3, 'clean']]);
    const [, failed] = (await appliance.status()).health.verdicts;
    expect(failed).toMatchObject({
      ...{ slot: 'B', version: BAD, attempt: 3, outcome: 'unhealthy', action: 'reboot' },
    });
  });

  test('a release that hangs is ended by the watchdog, which warns before it resets, so that a log is left', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const { entry, logs } = await comeback('bad-hangs', 2, (tree) => {
      const init = join(tree, 'usr/lib/systemd/systemd');
      writeFileSync(init, '#!/bin/sh\necho HANGING >/dev/console\nwhile :; do sleep 1000; done\n');
      chmodSync(init, 0o755);
    });
    expect(entry.reason).toBe(
      'no boot of it reached the health gate: attempt 3 stopped: it hung or was reset',
    );
    expect(entry.console_tail.some((line) => line.includes('watchdog pretimeout event'))).toBe(true);
    expect(logs.map(({ attempt, ending }) => [attempt, ending])).toEqual([[3, 'stopped']]);
  });

  test('a release whose check fails is refused by the gate', { timeout: TEST_TIMEOUT_MS }, async () => {
    const { entry } = await comeback('bad-check', 2, (tree) => {
      const list = join(tree, 'usr/lib/bulkhead/critical-units');
      writeFileSync(list, `${readFileSync(list, 'utf8')}never-built.service\n`);
    });
    expect(entry.reason).toMatch(/^the health gate refused it: .*never-built\.service is not-found/);
  });

  test('a release whose firewall does not load is refused by the gate', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const { entry } = await comeback('bad-firewall', 2, (tree) => {
      const [kernel = ''] = readdirSync(join(tree, 'usr/lib/modules'));
      rmSync(join(tree, 'usr/lib/modules', kernel, 'kernel/net/netfilter/nf_tables.ko'));
    });
    expect(entry.reason).toMatch(/^the health gate refused it: .*firewall/);
  });
});

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
  const only = ['ramoops', '0', '0', '0', '755', '644', 'inactive', '15', 'panic'];
  expect(stdout.trim().split('\n')).toEqual(only);
}
