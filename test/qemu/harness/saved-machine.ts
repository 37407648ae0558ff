import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { BulkheadError } from '../../../base/errors.ts';
import { run, runOrThrow } from '../../../base/run.ts';
import type { AttachedDisk } from './command-line.ts';
import { DISK_TOOL_TIMEOUT_MS, POLL_MS, SAVE_TIMEOUT_MS } from './limits.ts';
import type { MachineOptions } from './options.ts';
import type { QemuProcess } from './qemu-process.ts';
import type { Qmp } from './qmp.ts';
import { shellQuoted } from './shell-quote.ts';

/** A machine at one moment: everything restoreMachine needs, also from another process. */
export interface SavedMachine {
  folder: string;
  options: MachineOptions;
  /** The disks as they were; from now on only read, as bases of overlays. */
  disks: readonly AttachedDisk[];
  /** Firmware variables, when there is firmware. */
  variables: string | undefined;
  /** Memory and devices, as QEMU's migration stream. */
  memory: string;
}

const DESCRIPTION = 'machine.json';

interface SaveRequest {
  folder: string;
  options: MachineOptions;
  disks: readonly AttachedDisk[];
  variables: string | undefined;
  /** Folder of this run's throw-away files, the overlays among them. */
  runFiles: string;
  qmp: Qmp;
  process: QemuProcess;
}

/**
 * Migration to a file rather than `savevm`: the state lies beside the disks instead of inside them, so any number of machines
 * can go on from it at once, each on overlays of its own, and raw firmware variables are no obstacle.
 */
export async function saveState(request: SaveRequest): Promise<SavedMachine> {
  const folder = resolve(request.folder);
  mkdirSync(folder, { recursive: true });
  const memory = join(folder, 'memory');
  const { qmp } = request;
  try {
    await qmp.command('stop');
    await qmp.command('migrate-set-parameters', { 'max-bandwidth': Number.MAX_SAFE_INTEGER });
    await qmp.command('migrate', { uri: `exec:cat > ${shellQuoted(memory)}` });
    await waitForMigration(qmp);
  } catch (cause) {
    throw new BulkheadError('MACHINE_SAVE_FAILED', `cannot save machine '${request.options.name}'`, {
      cause,
      hint: 'NVMe and SD disks cannot be saved by QEMU; use virtio or sata',
    });
  }
  // Only a QEMU that has ended has let go of its disk files.
  const asked = qmp.command('quit').catch(() => undefined); // The socket may close before the answer.
  await Promise.race([request.process.exited, Bun.sleep(SAVE_TIMEOUT_MS)]);
  await asked;
  const saved: SavedMachine = {
    folder,
    options: request.options,
    disks: await Promise.all(request.disks.map((disk) => takeOver(disk, folder, request.runFiles))),
    variables: request.variables && join(folder, basename(request.variables)),
    memory,
  };
  if (request.variables && saved.variables) copyFileSync(request.variables, saved.variables);
  writeFileSync(join(folder, DESCRIPTION), JSON.stringify(saved, null, 2));
  return saved;
}

/** A saved machine by its folder, for another test file. */
export function loadSavedMachine(folder: string): SavedMachine {
  return JSON.parse(readFileSync(join(folder, DESCRIPTION), 'utf8')) as SavedMachine;
}

async function waitForMigration(qmp: Qmp): Promise<void> {
  const deadline = Date.now() + SAVE_TIMEOUT_MS;
  for (;;) {
    const answer = (await qmp.command('query-migrate')) as { status?: string; 'error-desc'?: string };
    if (answer.status === 'completed') return;
    if (answer.status === 'failed') throw new Error(answer['error-desc'] ?? 'QEMU gives no reason');
    if (Date.now() > deadline) throw new Error(`not done after ${SAVE_TIMEOUT_MS} ms`);
    await Bun.sleep(POLL_MS);
  }
}

/** An overlay of this run moves into the folder; a file that the test brought stays where it is. */
async function takeOver(disk: AttachedDisk, folder: string, runFiles: string): Promise<AttachedDisk> {
  if (dirname(disk.path) !== runFiles) return disk;
  const path = join(folder, basename(disk.path));
  await runOrThrow(run, 'mv', [disk.path, path], { timeout_ms: DISK_TOOL_TIMEOUT_MS });
  return { ...disk, path };
}
