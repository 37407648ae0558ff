import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run, runOrThrow } from '../../base/run.ts';
import { type BootState, parseBootState } from '../../partitions/boot-state.ts';
import { locateFile } from '../../partitions/fat-locate.ts';

/**
 * Runs the real GRUB under the real firmware, without an operating system: a loader made by grub-mkimage on a FAT
 * file system, slots whose "kernel" prints what it was given and resets the machine.
 */

const GRUB_FOLDER = join(import.meta.dirname, '../../partitions/grub');
/** The modules of this machine's GRUB; another folder holds another GRUB. */
const MODULES_FOLDER = process.env['BULKHEAD_GRUB_MODULES'] ?? '/usr/lib/grub/x86_64-efi';
/** A finished loader to test instead: the one that ships, build/work/BOOTX64.EFI. */
const FINISHED_LOADER = process.env['BULKHEAD_GRUB_LOADER'];
const OVMF_FOLDER = '/usr/share/OVMF';
const MIB = 1024 * 1024;

const ESP_START_BYTES = MIB;
const ESP_BYTES = 48 * MIB;
const SLOT_BYTES = 32 * MIB;
export const PART_UUIDS = {
  A: 'b01c4ead-0000-4000-8000-00000000000a',
  B: 'b01c4ead-0000-4000-8000-00000000000b',
};

/** Longest a boot may take in emulation on a busy machine: ten times what it takes on an idle one. */
const BOOT_TIMEOUT_MS = 240_000;

export interface Workplace {
  folder: string;
  path(name: string): string;
  remove(): void;
}

export function makeWorkplace(): Workplace {
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-grub-'));
  return {
    folder,
    path: (name) => join(folder, name),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export const grubScript = (): string => readFileSync(join(GRUB_FOLDER, 'grub.cfg'), 'utf8');

/** BOOTX64.EFI as iso/ makes it: the modules of modules.txt, early.cfg embedded. */
export async function makeLoader(path: string): Promise<void> {
  if (FINISHED_LOADER) {
    copyFileSync(FINISHED_LOADER, path);
    return;
  }
  const modules = readFileSync(join(GRUB_FOLDER, 'modules.txt'), 'utf8').split('\n').filter(Boolean);
  await runOrThrow(run, 'grub-mkimage', [
    ...['-O', 'x86_64-efi', '-d', MODULES_FOLDER, '-o', path],
    ...['-p', '/bulkhead', '-c', join(GRUB_FOLDER, 'early.cfg'), ...modules],
  ]);
}

/** A FAT32 file system with these files (path on it -> content), `/EFI/BOOT/BOOTX64.EFI` from `loader` among them. */
export async function makeEsp(
  path: string,
  loader: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  const tree = `${path}.tree`;
  const all = { ...files, 'EFI/BOOT/BOOTX64.EFI': readFileSync(loader) };
  for (const [name, content] of Object.entries(all)) {
    mkdirSync(dirname(join(tree, name)), { recursive: true });
    writeFileSync(join(tree, name), content);
  }
  await runOrThrow(run, 'truncate', ['-s', String(ESP_BYTES), path]);
  await runOrThrow(run, 'mkfs.vfat', ['-F', '32', '-s', '1', '-n', 'ESP', path]);
  const tops = [...new Set(Object.keys(all).map((name) => name.split('/')[0] ?? ''))];
  await runOrThrow(run, 'mcopy', ['-Q', '-s', '-i', path, ...tops.map((top) => join(tree, top)), '::/']);
  rmSync(tree, { recursive: true });
}

export interface DiskParts {
  esp: string;
  slots: { A: Uint8Array | undefined; B: Uint8Array | undefined };
}

/** A GPT disk: ESP, root-a, root-b. */
export async function makeDisk(
  path: string,
  parts: DiskParts,
  uuids: { A: string; B: string } = PART_UUIDS,
): Promise<void> {
  rmSync(path, { force: true });
  await runOrThrow(run, 'truncate', ['-s', String(ESP_START_BYTES + ESP_BYTES + 2 * SLOT_BYTES + MIB), path]);
  await runOrThrow(run, 'sgdisk', [
    ...['-n', `1:1M:+${ESP_BYTES / MIB}M`, '-t', '1:EF00', '-c', '1:ESP'],
    ...['-n', `2:0:+${SLOT_BYTES / MIB}M`, '-t', '2:8304', '-c', '2:root-a', '-u', `2:${uuids.A}`],
    ...['-n', `3:0:+${SLOT_BYTES / MIB}M`, '-t', '3:8304', '-c', '3:root-b', '-u', `3:${uuids.B}`],
    path,
  ]);
  await runOrThrow(run, 'dd', [
    `if=${parts.esp}`,
    `of=${path}`,
    'bs=1M',
    `seek=${ESP_START_BYTES / MIB}`,
    'conv=notrunc',
  ]);
  for (const slot of ['A', 'B'] as const) {
    const blob = parts.slots[slot];
    if (blob) writeAt(path, slotOffset(slot), blob);
  }
}

export const slotOffset = (slot: 'A' | 'B'): number =>
  ESP_START_BYTES + ESP_BYTES + (slot === 'A' ? 0 : SLOT_BYTES);

export function writeAt(path: string, offset_bytes: number, bytes: Uint8Array): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, offset_bytes);
  closeSync(file);
}

/** Where on the disk the boot state's sector lies. */
export function stateSector(disk: Buffer): number {
  const place = locateFile(
    (offset, size) => disk.subarray(ESP_START_BYTES + offset).subarray(0, size),
    'ab_state',
  );
  if (place?.offset_bytes === undefined) throw new Error('no ab_state on this disk');
  return ESP_START_BYTES + place.offset_bytes;
}

/** The boot state as it lies on a disk image. */
export function stateOn(path: string): BootState | undefined {
  const disk = readFileSync(path);
  const sector = stateSector(disk);
  return parseBootState(disk.subarray(sector, sector + 512));
}

export interface GrubRunOptions {
  /** In the order the firmware numbers them. */
  disks: string[];
  /** The one to boot from; default the first. */
  bootDisk?: string;
  bus?: 'virtio' | 'ahci' | 'nvme' | 'usb';
  /** Stops once the serial line shows this; without it, when the machine resets itself. */
  until?: RegExp;
  timeout_ms?: number;
  /** Every write to a disk fails. */
  readOnly?: boolean;
  /** No serial port in the machine. */
  noSerial?: boolean;
  /** Sent to the serial line once it shows `when`. */
  typed?: { when: RegExp; text: string };
  /** More arguments for QEMU. */
  extra?: string[];
}

const BUS_DEVICE = {
  virtio: 'virtio-blk-pci',
  ahci: 'ide-hd',
  nvme: 'nvme,serial=bulkhead',
  usb: 'usb-storage',
} as const;

/**
 * Boots from a disk until a line appears or the machine resets, then cuts the power.
 *
 * @returns what came over the serial line, without terminal control sequences
 */
export async function runGrub(work: Workplace, options: GrubRunOptions): Promise<string> {
  const vars = work.path('vars.fd');
  copyFileSync(join(OVMF_FOLDER, 'OVMF_VARS_4M.fd'), vars);
  const bootDisk = options.bootDisk ?? options.disks[0];
  const disks = options.disks.flatMap((disk, index) => [
    '-drive',
    `id=d${index},if=none,format=raw,file=${disk},readonly=${options.readOnly ? 'on' : 'off'}`,
    '-device',
    // The firmware connects only what it was told to boot from, and GRUB sees no other disk.
    `${BUS_DEVICE[options.bus ?? 'virtio']},drive=d${index},bootindex=${disk === bootDisk ? 1 : index + 2}`,
  ]);
  const qemu = Bun.spawn(
    [
      ...['qemu-system-x86_64', '-machine', 'q35', '-accel', 'tcg', '-cpu', 'max', '-smp', '1', '-m', '256'],
      ...['-nodefaults', '-display', 'none', '-monitor', 'none', '-no-reboot'],
      ...['-serial', options.noSerial ? 'none' : 'stdio'],
      ...['-drive', `if=pflash,unit=0,format=raw,readonly=on,file=${OVMF_FOLDER}/OVMF_CODE_4M.fd`],
      ...['-drive', `if=pflash,unit=1,format=raw,file=${vars}`],
      ...(options.bus === 'usb' ? ['-device', 'qemu-xhci'] : []),
      ...disks,
      ...(options.extra ?? []),
    ],
    { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' },
  );
  let text = '';
  let typed = options.typed;
  const timeout_ms = options.timeout_ms ?? BOOT_TIMEOUT_MS;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    qemu.kill('SIGKILL');
  }, timeout_ms);
  try {
    const decoder = new TextDecoder();
    for await (const chunk of qemu.stdout) {
      text += decoder.decode(chunk, { stream: true });
      if (typed?.when.test(withoutControls(text))) {
        qemu.stdin.write(typed.text);
        qemu.stdin.flush();
        typed = undefined;
      }
      if (options.until?.test(withoutControls(text))) break;
    }
    qemu.kill('SIGKILL');
    await qemu.exited;
  } finally {
    clearTimeout(timer);
  }
  const plain = withoutControls(text);
  if (late) {
    throw new Error(
      `no ${options.until ?? 'reset'} within ${timeout_ms} ms; the serial line:\n${plain.slice(-4000)}`,
    );
  }
  const complaint = await new Response(qemu.stderr).text();
  if (complaint !== '') throw new Error(`QEMU said: ${complaint}`);
  return plain;
}

function withoutControls(text: string): string {
  const control = String.fromCharCode(27);
  return text
    .replaceAll(new RegExp(`${control}(\\[[0-9;?=]*[A-Za-z]|[=>()][0-9A-B]?)`, 'g'), '')
    .replaceAll('\r', '');
}
