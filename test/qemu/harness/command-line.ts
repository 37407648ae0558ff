import { BulkheadError } from '../../../base/errors.ts';
import type { BootDevice, DiskBus, DiskFormat, MachineOptions } from './options.ts';
import { shellQuoted } from './shell-quote.ts';

/** A disk as QEMU opens it: the file of the options or an overlay over it. */
export interface AttachedDisk {
  id: BootDevice;
  path: string;
  format: DiskFormat;
  bus: DiskBus;
  serial: string;
  /** Raw file that takes a log of the writes. */
  logWrites?: string;
}

/** What was found or made for one run of a machine. */
export interface RunFiles {
  accelerators: readonly string[];
  /** UEFI program and this machine's own variables; absent for a direct boot. */
  firmware?: { code: string; variables: string };
  disks: readonly AttachedDisk[];
  /** Host port per guest port, all chosen. */
  forwards: Readonly<Record<number, number>>;
  qmpSocket: string;
  /** Saved state to go on from instead of booting. */
  incoming?: string;
}

/**
 * The arguments of qemu-system-x86_64. Pure: the same options and files give the same machine, which is what a
 * saved state needs to find when it is restored.
 *
 * @throws BulkheadError MACHINE_BOOT_DEVICE_UNKNOWN
 */
export function qemuArguments(options: MachineOptions, files: RunFiles): string[] {
  return [
    ...['-name', escapeCommas(options.name), '-machine', 'q35', '-cpu', 'max', '-nodefaults'],
    ...files.accelerators.flatMap((accelerator) => ['-accel', accelerator]),
    ...['-smp', String(options.cpus ?? 1), '-m', String(options.memory_mb ?? 1024)],
    ...['-display', options.display ?? 'none', '-device', 'VGA', '-monitor', 'none'],
    // The signal characters of a terminal are text for the guest, not for QEMU.
    ...['-chardev', 'stdio,id=serial0,signal=off', '-serial', 'chardev:serial0'],
    ...['-chardev', `socket,id=qmp0,path=${escapeCommas(files.qmpSocket)},server=on,wait=off`],
    ...['-mon', 'chardev=qmp0,mode=control', '-device', 'virtio-rng-pci'],
    ...(options.rtcBase === undefined ? [] : ['-rtc', `base=${options.rtcBase}`]),
    ...firmwareArguments(options, files),
    ...driveArguments(options, files.disks),
    ...networkArguments(options, files.forwards),
    ...smbiosArguments(options),
    ...(options.watchdog ? ['-device', options.watchdog, '-action', 'watchdog=reset'] : []),
    ...(files.incoming === undefined ? [] : ['-incoming', `exec:cat ${shellQuoted(files.incoming)}`]),
    ...(options.extraArgs ?? []),
  ];
}

function firmwareArguments(options: MachineOptions, files: RunFiles): string[] {
  if (typeof options.firmware === 'object') {
    const { kernel, initrd, append } = options.firmware;
    return ['-kernel', kernel, '-append', append, ...(initrd === undefined ? [] : ['-initrd', initrd])];
  }
  if (!files.firmware) return [];
  const code = escapeCommas(files.firmware.code);
  const variables = escapeCommas(files.firmware.variables);
  return [
    ...['-drive', `if=pflash,unit=0,format=raw,readonly=on,file=${code}`],
    ...['-drive', `if=pflash,unit=1,format=raw,file=${variables}`],
  ];
}

function driveArguments(options: MachineOptions, disks: readonly AttachedDisk[]): string[] {
  const present = disks.map((disk) => disk.id);
  const order = options.bootFrom ?? present;
  const unknown = order.find((device) => !present.includes(device));
  if (unknown !== undefined) {
    throw new BulkheadError(
      'MACHINE_BOOT_DEVICE_UNKNOWN',
      `bootFrom names '${unknown}', which is not attached`,
      {
        hint: `attached: ${present.join(', ') || 'nothing'}`,
      },
    );
  }
  const uses = (bus: DiskBus) => disks.some((disk) => disk.bus === bus);
  const args: string[] = [];
  if (uses('usb')) args.push('-device', 'qemu-xhci,id=xhci');
  if (uses('scsi')) args.push('-device', 'virtio-scsi-pci,id=scsi');
  let sataPort = 0;
  for (const disk of disks) {
    const position = order.indexOf(disk.id);
    const boot = position < 0 || disk.bus === 'emmc' ? '' : `,bootindex=${position + 1}`;
    args.push(...backendOf(disk), ...deviceOf(disk, sataPort, boot));
    if (disk.bus === 'sata') sataPort += 1;
  }
  return args;
}

function backendOf(disk: AttachedDisk): string[] {
  return disk.logWrites === undefined
    ? ['-drive', driveOf(disk)]
    : ['-blockdev', JSON.stringify(loggedNode(disk, disk.logWrites))];
}

/**
 * The disk below QEMU's `blklogwrites`, which logs what the guest sends. The logging node itself must see flushes, so only the files
 * below it leave out the flush to the disk of this computer, which says nothing about the guest and costs time.
 *
 * @throws BulkheadError MACHINE_LOG_BUS
 */
function loggedNode(disk: AttachedDisk, log: string): object {
  if (disk.bus !== 'virtio') {
    throw new BulkheadError('MACHINE_LOG_BUS', `the writes of a ${disk.bus} disk cannot be logged`, {
      hint: 'QEMU 7.2 leaves the forced unit access of other buses out of its log; use virtio, which knows only flushes',
    });
  }
  const cache = { direct: false, 'no-flush': true };
  const file = { driver: 'file', filename: disk.path, cache };
  return {
    ...{ driver: 'blklogwrites', 'node-name': disk.id, 'log-sector-size': 512, discard: 'unmap' },
    file: { driver: disk.format, file, cache, discard: 'unmap' },
    log: { driver: 'file', filename: log, cache },
  };
}

function driveOf(disk: AttachedDisk): string {
  const drive = `if=none,id=${disk.id},format=${disk.format},file=${escapeCommas(disk.path)}`;
  if (disk.id === 'cdrom') return `${drive},media=cdrom,readonly=on`;
  // A raw file takes a write when the guest makes it, so flushing to the host disk only costs time. A qcow2 file keeps
  // its tables in memory until a flush: there, what the guest did not flush is lost at a cut, as on a real disk.
  return `${drive},discard=unmap,cache=${disk.format === 'raw' ? 'unsafe' : 'writeback'}`;
}

function deviceOf(disk: AttachedDisk, sataPort: number, boot: string): string[] {
  const common = `drive=${disk.id}${boot}`;
  const serial = `,serial=${escapeCommas(disk.serial)}`;
  switch (disk.bus) {
    case 'virtio': {
      // QEMU 7.2 mixes up its log when a command to write zeroes runs beside another write; without it, zeroes are written.
      const zeroes = disk.logWrites === undefined ? '' : ',write-zeroes=off';
      return ['-device', `virtio-blk-pci,${common}${serial}${zeroes}`];
    }
    case 'sata':
      return [
        '-device',
        `${disk.id === 'cdrom' ? 'ide-cd' : 'ide-hd'},bus=ide.${sataPort},${common}${serial}`,
      ];
    case 'nvme':
      return ['-device', `nvme,${common}${serial}`];
    case 'usb':
      return ['-device', `usb-storage,bus=xhci.0,removable=on,${common}${serial}`];
    case 'scsi':
      return ['-device', `scsi-hd,bus=scsi.0,${common}${serial}`];
    case 'emmc':
      return ['-device', 'sdhci-pci', '-device', `sd-card,${common}`];
  }
}

function networkArguments(options: MachineOptions, forwards: RunFiles['forwards']): string[] {
  if (options.network === 'none') return ['-nic', 'none'];
  const { restrict = false, model = 'virtio-net-pci', capture, servers = {} } = options.network ?? {};
  const netdev = [
    `user,id=net0,restrict=${restrict ? 'on' : 'off'}`,
    ...Object.entries(forwards).map(([guest, host]) => `hostfwd=tcp:127.0.0.1:${host}-:${guest}`),
    ...Object.entries(servers).map(([place, line]) => `guestfwd=tcp:${place}-cmd:echo ${escapeCommas(line)}`),
  ].join(',');
  return [
    ...['-netdev', netdev],
    // No boot ROM: without a disk to boot, a machine shall stop instead of asking the network.
    ...['-device', `${model},netdev=net0,romfile=`],
    ...(capture === undefined
      ? []
      : ['-object', `filter-dump,id=capture0,netdev=net0,file=${escapeCommas(capture)}`]),
  ];
}

function smbiosArguments(options: MachineOptions): string[] {
  const fields = Object.entries(options.smbios ?? {}).map(([key, value]) => `${key}=${escapeCommas(value)}`);
  return fields.length === 0 ? [] : ['-smbios', ['type=1', ...fields].join(',')];
}

/** A comma ends a value in QEMU's option syntax; doubled, it is one. */
function escapeCommas(text: string): string {
  return text.replaceAll(',', ',,');
}
