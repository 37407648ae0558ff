import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../../..');
/** Overlays of running machines: on the disk of the checkout, because /tmp may be memory. */
const MACHINES = join(ROOT, 'build/machines');
const LOGS = join(ROOT, 'build/boot-logs');
/** Sockets have names of at most 107 bytes, which a checkout deep in the tree exceeds. mkdtemp makes it ours alone. */
const SOCKETS = join(tmpdir(), 'bulkhead-qemu');

/** The places of one run of a machine. */
export interface RunFolder {
  /** Throw-away files: overlays, firmware variables. */
  files: string;
  qmpSocket: string;
  remove(): void;
}

export function createRunFolder(name: string): RunFolder {
  removeStale();
  mkdirSync(MACHINES, { recursive: true });
  const files = mkdtempSync(join(MACHINES, `${name}.${process.pid}.`));
  const socketFolder = mkdtempSync(`${SOCKETS}.${process.pid}.`);
  return {
    files,
    qmpSocket: join(socketFolder, 'qmp'),
    remove() {
      rmSync(files, { recursive: true, force: true });
      rmSync(socketFolder, { recursive: true, force: true });
    },
  };
}

/** A new folder for the logs of one run: build/boot-logs/NAME-2026-11-21T02-50-00.123. */
export function createLogFolder(name: string, wanted: string | undefined): string {
  const stamp = new Date().toISOString().replaceAll(':', '-').replace('Z', '');
  const folder = wanted ?? join(LOGS, `${name}-${stamp}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** What killed test processes left behind: their machines died with them, their files did not. */
function removeStale(): void {
  const candidates = [
    ...(existsSync(MACHINES) ? readdirSync(MACHINES).map((name) => join(MACHINES, name)) : []),
    ...readdirSync(tmpdir())
      .map((name) => join(tmpdir(), name))
      .filter((path) => path.startsWith(`${SOCKETS}.`)),
  ];
  for (const path of candidates) {
    const pid = /\.(\d+)\.[^.]+$/.exec(path)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(path, { recursive: true, force: true });
  }
}
