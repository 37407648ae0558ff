import { copyFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { BulkheadError, describeError } from '../../../base/errors.ts';
import { accelerators } from './accelerator.ts';
import { type AttachedDisk, qemuArguments, type RunFiles } from './command-line.ts';
import { createOverlay } from './disk.ts';
import { prepareFirmware } from './firmware.ts';
import { MACHINES_AT_ONCE, POLL_MS, PORT_ATTEMPTS, SAVE_TIMEOUT_MS } from './limits.ts';
import { Machine } from './machine.ts';
import type { BootDevice, DiskOptions, MachineOptions } from './options.ts';
import { chooseForwards } from './ports.ts';
import { lockFiles, QemuProcess } from './qemu-process.ts';
import { Qmp } from './qmp.ts';
import { createLogFolder, createRunFolder, type RunFolder } from './run-folder.ts';
import type { SavedMachine } from './saved-machine.ts';

/**
 * Switches a new machine on and returns when it can be controlled; the guest has only just begun then. Waits as long as
 * MACHINES_AT_ONCE machines run already (unless `queue` is false).
 *
 * @throws BulkheadError MACHINE_START_FAILED with QEMU's words, MACHINE_PORT_IN_USE, MACHINE_FIRMWARE_MISSING,
 *   MACHINE_BOOT_DEVICE_UNKNOWN
 */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  return powerOn(options, async (runFolder) => ({
    disks: await attachDisks(options, runFolder.files),
    ...(typeof options.firmware === 'object'
      ? {}
      : { firmware: prepareFirmware(join(runFolder.files, 'variables')) }),
  }));
}

/**
 * Goes on where `Machine.save` stopped, within seconds. Its writes go to overlays: the saved machine can be restored
 * again and again, also several times at once.
 *
 * The guest's clock shows the time of the saving, because to the guest no time has passed.
 *
 * @param changes name, forwards and the like; what makes up the hardware must stay as it was
 */
export async function restoreMachine(
  saved: SavedMachine,
  changes: Pick<MachineOptions, 'name'> &
    Partial<Pick<MachineOptions, 'forwards' | 'logFolder' | 'queue' | 'keepLogs'>>,
): Promise<Machine> {
  const machine = await powerOn({ ...saved.options, ...changes }, async (runFolder) => {
    const disks = await Promise.all(saved.disks.map((disk) => overlayOf(disk, runFolder.files)));
    const variables = saved.variables && join(runFolder.files, basename(saved.variables));
    if (saved.variables && variables) copyFileSync(saved.variables, variables);
    const firmware = variables && {
      firmware: { code: prepareFirmware(join(runFolder.files, 'unused')).code, variables },
    };
    return { disks, incoming: saved.memory, ...(firmware || {}) };
  });
  try {
    await untilLoaded(machine, saved.folder);
    await machine.qmp('cont');
    return machine;
  } catch (error) {
    machine.keepLogs();
    await machine.stop();
    throw error;
  }
}

async function untilLoaded(machine: Machine, folder: string): Promise<void> {
  const deadline = Date.now() + SAVE_TIMEOUT_MS;
  for (;;) {
    const { status } = (await machine.qmp('query-status')) as { status: string };
    if (status !== 'inmigrate') return;
    if (Date.now() > deadline) throw new BulkheadError('MACHINE_RESTORE_FAILED', `'${folder}' does not load`);
    await Bun.sleep(POLL_MS);
  }
}

type Prepared = Pick<RunFiles, 'disks' | 'firmware' | 'incoming'>;

async function powerOn(
  options: MachineOptions,
  prepare: (run: RunFolder) => Promise<Prepared>,
): Promise<Machine> {
  const runFolder = createRunFolder(options.name);
  const logFolder = createLogFolder(options.name, options.logFolder);
  try {
    const prepared = await prepare(runFolder);
    const attempt = () => launch(options, prepared, runFolder, logFolder);
    const { process, qmp, forwards } = await inTurn(attempt);
    return new Machine({
      ...{ options, process, qmp, forwards, runFolder, logFolder },
      ...{ disks: prepared.disks, variables: prepared.firmware?.variables },
    });
  } catch (error) {
    runFolder.remove();
    // Without a log nothing was started, and the folder says nothing.
    if (readdirSync(logFolder).length === 0) rmdirSync(logFolder);
    throw error;
  }
}

interface Launched {
  process: QemuProcess;
  qmp: Qmp;
  forwards: Readonly<Record<number, number>>;
}

/** Tries until there is a place, and again when a port that was free a moment ago no longer is. */
async function inTurn(attempt: () => Promise<Launched | 'no-place' | 'port-taken'>): Promise<Launched> {
  for (let lostPorts = 0; ; ) {
    const outcome = await attempt();
    if (outcome !== 'no-place' && outcome !== 'port-taken') return outcome;
    if (outcome === 'port-taken') lostPorts += 1;
    if (lostPorts >= PORT_ATTEMPTS)
      throw new BulkheadError('MACHINE_PORT_IN_USE', 'no port stays free long enough');
    await Bun.sleep(4 * POLL_MS);
  }
}

async function launch(
  options: MachineOptions,
  prepared: Prepared,
  runFolder: RunFolder,
  logFolder: string,
): Promise<Launched | 'no-place' | 'port-taken'> {
  const { queue = true } = options;
  const name = queue === true ? 'machines' : queue;
  const places = name === false ? [undefined] : lockFiles(name, MACHINES_AT_ONCE);
  for (const place of places) {
    const forwards = await chooseForwards(options.network === 'none' ? {} : (options.forwards ?? {}));
    const files = {
      ...prepared,
      accelerators: await accelerators(),
      forwards,
      qmpSocket: runFolder.qmpSocket,
    };
    const process = new QemuProcess(qemuArguments(options, files), place, logFolder);
    try {
      const qmp = await Qmp.connect(runFolder.qmpSocket, () => process.alive);
      return { process, qmp, forwards };
    } catch (error) {
      await process.kill();
      if (process.lostLock) continue;
      if (process.words.includes('Could not set up host forwarding')) return 'port-taken';
      throw new BulkheadError(
        'MACHINE_START_FAILED',
        `${options.name}: ${process.words || describeError(error)}`,
        {
          cause: error,
          hint: `command line: ${logFolder}/qemu.log`,
        },
      );
    }
  }
  return 'no-place';
}

/** Every medium of the options in the default boot order, writes diverted where they must not reach the file. */
async function attachDisks(options: MachineOptions, folder: string): Promise<AttachedDisk[]> {
  const disks: AttachedDisk[] = [];
  const add = async (id: BootDevice, disk: DiskOptions) => {
    const { bus = 'virtio', format = 'raw', serial = id, logWrites } = disk;
    const attached: AttachedDisk = { id, path: resolve(disk.path), format, bus, serial };
    if (logWrites !== undefined) {
      attached.logWrites = resolve(logWrites);
      writeFileSync(attached.logWrites, '');
    }
    disks.push(disk.snapshot ? await overlayOf(attached, folder) : attached);
  };
  if (options.loader !== undefined) await add('loader', { path: options.loader, snapshot: true });
  if (options.usbStick !== undefined)
    await add('usb-stick', { path: options.usbStick, bus: 'usb', snapshot: true });
  if (options.cdrom !== undefined) await add('cdrom', { path: options.cdrom, bus: 'sata' });
  for (const [index, disk] of (options.disks ?? []).entries()) await add(`disk${index}`, disk);
  return disks;
}

async function overlayOf(disk: AttachedDisk, folder: string): Promise<AttachedDisk> {
  if (disk.id === 'cdrom') return disk;
  const path = join(folder, `${disk.id}.qcow2`);
  await createOverlay(path, disk);
  return { ...disk, path, format: 'qcow2' };
}
