import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import { VERSION } from '../../base/version.ts';
import { createDisk } from '../../test/qemu/harness/disk.ts';
import { DISK_BYTES } from './limits.ts';
import type { Found, InstalledDisk, RunningStart } from './plan.ts';

/** The files of `npm start`, all in build/start of the checkout. */
const ROOT = resolve(import.meta.dirname, '../..');
export const BUILD = join(ROOT, 'build');
const FOLDER = join(BUILD, 'start');
/** Present only when an installation was finished: a disk without it is thrown away. */
const INSTALLED = join(FOLDER, 'installed.json');
const RUNNING = join(FOLDER, 'running.json');
/** Seconds that each step took last time. */
const DURATIONS = join(FOLDER, 'durations.json');

export const DISK = join(FOLDER, 'disk.img');
export const BUILD_LOG = join(FOLDER, 'build.log');
export const ISO = join(ROOT, `dist/bulkhead-${VERSION}.iso`);
export const SOURCE = ROOT;
export const COORDINATOR_FOLDER = join(FOLDER, 'coordinator');
export const COORDINATOR_PROGRAM = join(ROOT, 'dist/bulkhead-coordinator');
/** Slot images and bundles of demonstrations. */
export const RELEASES = join(FOLDER, 'releases');
/** The ISO with the config.yaml of this start on it. */
export const MEDIUM = join(FOLDER, 'medium.iso');

/** Logs of the last installation or of the last run; the next one replaces them. */
export function emptyLogFolder(name: 'install' | 'run'): string {
  const folder = join(FOLDER, `${name}-logs`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

export function lookAround(): Found {
  mkdirSync(FOLDER, { recursive: true });
  const running = readJson<RunningStart>(RUNNING);
  const disk = existsSync(DISK) ? readJson<InstalledDisk>(INSTALLED) : undefined;
  return { disk, running: running && isStart(running.pid) ? running : undefined };
}

/** Says to later starts that this process is at work, and where its page is once there is one. */
export function announce(url?: string): void {
  const entry: RunningStart = { pid: process.pid, ...(url === undefined ? {} : { url }) };
  writeFileSync(RUNNING, JSON.stringify(entry));
}

export function withdraw(): void {
  if (readJson<RunningStart>(RUNNING)?.pid === process.pid) rmSync(RUNNING);
}

export function blankDisk(): void {
  rmSync(INSTALLED, { force: true });
  rmSync(DISK, { force: true });
  createDisk(DISK, DISK_BYTES);
}

export function markInstalled(disk: InstalledDisk): void {
  writeFileSync(INSTALLED, JSON.stringify(disk));
}

/** @throws BulkheadError START_ISO_MISSING */
export async function describeIso(): Promise<InstalledDisk> {
  if (!existsSync(ISO)) {
    throw new BulkheadError('START_ISO_MISSING', `the build left no ISO at ${ISO}`, {
      hint: `see ${BUILD_LOG}`,
    });
  }
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(ISO)) hash.update(chunk as Uint8Array);
  return { version: VERSION, iso_sha256: hash.digest('hex') };
}

export function readDurations(): Record<string, number> {
  return readJson<Record<string, number>>(DURATIONS) ?? {};
}

export function rememberDuration(step: string, seconds: number): void {
  writeFileSync(DURATIONS, JSON.stringify({ ...readDurations(), [step]: seconds }));
}

/** Notes of our own; one that cannot be read (a full disk, a cut) counts as absent. */
function readJson<Value>(path: string): Value | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Value;
  } catch {
    return undefined;
  }
}

/** Process numbers are used again, so the command line is looked at, too. */
function isStart(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('start.ts');
  } catch {
    return false;
  }
}
