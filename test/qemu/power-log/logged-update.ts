import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { run, runOrThrow } from '../../../base/run.ts';
import { commitBoot } from '../../../partitions/boot-machine-linux.ts';
import { initialState, serialiseBootState } from '../../../partitions/boot-state.ts';
import { writeBundle } from '../../../updater/bundle/write-bundle.ts';
import { developmentKeys } from '../../../updater/signing/dev-keys.ts';
import { readSigner } from '../../../updater/signing/key-file.ts';
import { type Appliance, applianceForTest } from '../fixtures/appliance.ts';
import { BUILD, SLOT_FILE } from '../fixtures/image.ts';
import { installation } from '../fixtures/installed-disk.ts';
import { buildVariant } from '../fixtures/variants.ts';
import { copyDisk, putRange } from '../harness/disk.ts';
import { readPartitions, writeFatFile } from '../harness/disk-content.ts';
import { findPartition } from '../harness/gpt.ts';
import type { DiskFile } from '../harness/options.ts';
import { type KnownRelease, openRelease } from './known-release.ts';
import { INSTALL_TIMEOUT_MS, POWER_OFF_TIMEOUT_MS } from './limits.ts';

/** An appliance before and after an update, with everything that was written to its disk in between. */
export interface LoggedUpdate {
  folder: string;
  /** The disk before the update, off. */
  base: DiskFile;
  log: string;
  /** FAT disk with the bundle, as a technician brings it: its writes are not in the log. */
  stick: DiskFile;
  /** `old` was in slot B, `running` is in slot A, `new` comes to slot B. */
  releases: KnownRelease[];
  versions: Readonly<Record<'old' | 'running' | 'new', string>>;
}

const VERSIONS = { old: '0.0.9', new: '0.9.0' };
/** What every machine of this test reads the bundle from. */
const BUNDLE = '/run/stick/new.bundle';
export const MOUNT_STICK = 'mkdir -p /run/stick && mount -t vfat -o ro /dev/vdb /run/stick';
export const INSTALL = `bulkhead update install --json ${BUNDLE}`;
/** Quick to make; the writes are the same. */
const ZSTD_LEVEL = 1;
const FAT_SLACK_KIB = 4096;
const SHIFT_BYTES = 3 * 4096;

/** Folder for this test's disks; gone when it ends. */
export function powerFolder(): string {
  const folder = join(BUILD, 'boot-disks', `update-cuts-${process.pid}-${Date.now()}`);
  mkdirSync(folder, { recursive: true });
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * Runs a complete update with the log on: half of it, stopped as an operator stops it, then the rest, the reboot into the trial,
 * the commit, and a shutdown when everything is written down.
 *
 * @param runningVersion of the image under test
 */
export async function logUpdate(folder: string, runningVersion: string): Promise<LoggedUpdate> {
  const [old, next] = [await makeRelease('old'), await makeRelease('new')];
  const releases = [openRelease('old', old), openRelease('running', SLOT_FILE), openRelease('new', next)];
  onTestFinished(() => {
    for (const release of releases) release.close();
  });
  const base = await committedDisk(folder, old);
  const stick = await makeStick(folder, next);
  const log = join(folder, 'writes.log');
  const update: LoggedUpdate = {
    ...{ folder, base, log, stick, releases },
    versions: { ...VERSIONS, running: runningVersion },
  };
  const disk = await copyDisk(base, { path: join(folder, 'logged.raw'), format: 'raw' });
  const appliance = await applianceForTest(disk, {
    name: 'logged-update',
    disks: [{ ...disk, logWrites: log }, stick],
  });
  await appliance.judged();
  await stopHalfWay(appliance, releases);
  // The reboot may take the connection with it; that the release runs is what counts.
  await appliance.ssh(`${INSTALL} --reboot`, INSTALL_TIMEOUT_MS);
  await untilCommitted(appliance, VERSIONS.new);
  await switchOff(appliance);
  rmSync(disk.path);
  return update;
}

/** Waits until that version runs, is healthy, and its update is written down as ended. */
export async function untilCommitted(appliance: Appliance, version: string): Promise<void> {
  await appliance.machine.http(80).waitForHttp(
    '/api/v1/status',
    (answer) => {
      if (answer.status !== 200) return false;
      const status = answer.json() as { version: { running: string }; health: { outcome: string } };
      return status.version.running === version && status.health.outcome === 'healthy';
    },
    INSTALL_TIMEOUT_MS,
  );
  for (let look = 0; look < CONCLUSION_LOOKS; look += 1) {
    if ((await updateStory(appliance)).onItsWay === null) return;
    await Bun.sleep(LOOK_PAUSE_MS);
  }
  throw new Error('the update was never concluded');
}

const CONCLUSION_LOOKS = 30;
const LOOK_PAUSE_MS = 2_000;

/** `bulkhead update status`, as far as it is a story that can be checked. */
export interface UpdateStory {
  state: string;
  running: { slot: string; version: string };
  onItsWay: { slot: string; version: string } | null;
  history: { outcome: string; version: string; reason: string }[];
}

export async function updateStory(appliance: Appliance): Promise<UpdateStory> {
  const { code, stdout, stderr } = await appliance.ssh('bulkhead update status --json');
  if (code !== 0) throw new Error(`bulkhead update status ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as UpdateStory;
}

async function makeRelease(name: 'old' | 'new'): Promise<string> {
  const variant = await buildVariant(`cuts-${name}`, VERSIONS[name], (tree) => {
    writeFileSync(join(tree, 'usr/lib/bulkhead/greeting'), `this is the ${name} release\n`);
    // Moves everything behind it: a slot that still holds the old release must not look as if it were written already.
    if (name === 'old') writeFileSync(join(tree, '0-first'), new Uint8Array(SHIFT_BYTES).fill(0x5a));
  });
  return variant.file;
}

/** Slot A runs and is committed, slot B holds a release that was good: the first boots are behind it. */
async function committedDisk(folder: string, old: string): Promise<DiskFile> {
  const disk = await copyDisk(installation().disk, { path: join(folder, 'base.raw'), format: 'raw' });
  const { offset_bytes } = findPartition(await readPartitions(disk), 'root-b');
  await putRange(disk, offset_bytes, old);
  const both = { ...commitBoot(initialState('A'), 'A'), good: { A: true, B: true } };
  await writeFatFile(disk, 'ESP', '/ab_state', serialiseBootState(both));
  const appliance = await applianceForTest(disk, { name: 'before-the-update' });
  await appliance.judged();
  await switchOff(appliance);
  return disk;
}

async function makeStick(folder: string, slotImage: string): Promise<DiskFile> {
  const bundle = join(folder, 'new.bundle');
  const { releaseKeyFile } = developmentKeys(join(BUILD, 'keys'), Date.now());
  await writeBundle(bundle, {
    ...{ slot_image: slotImage, zstd_level: ZSTD_LEVEL },
    signers: [readSigner(releaseKeyFile)],
  });
  const path = join(folder, 'stick.raw');
  const size_kib = Math.ceil(statSync(bundle).size / 1024) + FAT_SLACK_KIB;
  await runOrThrow(run, 'mkfs.vfat', ['-C', path, String(size_kib)]);
  await runOrThrow(run, 'mcopy', ['-i', path, bundle, '::new.bundle']);
  rmSync(bundle);
  return { path, format: 'raw' };
}

/** Ctrl-C when half of the data were written. The next command goes on from there. */
async function stopHalfWay(appliance: Appliance, releases: readonly KnownRelease[]): Promise<void> {
  const half_bytes = Math.floor((releases.at(-1)?.data_bytes ?? 0) / 2);
  const written = `sed -n 's/.*"done_bytes": *\\([0-9]*\\).*/\\1/p' /run/bulkhead/update.json 2>&1`;
  const { stdout, stderr } = await appliance.ssh(
    `${MOUNT_STICK} || exit 9
    ${INSTALL} >/run/first.txt 2>&1 & pid=$!
    while [ -d /proc/$pid ]; do
      done_bytes=$(${written})
      case "$done_bytes" in *[!0-9]*|'') ;; *) [ "$done_bytes" -gt ${half_bytes} ] && break ;; esac
      sleep 0.1
    done
    kill -INT $pid; wait $pid; echo "ended with $?"; tail -c 2000 /run/first.txt`,
    INSTALL_TIMEOUT_MS,
  );
  if (!stdout.includes('UPDATE_STOPPED'))
    throw new Error(`the first half of the update was not stopped: ${stdout} ${stderr}`);
}

async function switchOff(appliance: Appliance): Promise<void> {
  await appliance.machine.powerButton();
  await appliance.machine.waitForPowerOff(POWER_OFF_TIMEOUT_MS);
}
