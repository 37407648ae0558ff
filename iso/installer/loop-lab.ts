import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { run, runOrThrow } from '../../base/run.ts';
import { KERNEL_ROOTS, readText } from '../../partitions/disks.ts';
import {
  BLOCK_BYTES,
  buildFooter,
  buildHeader,
  FOOTER_BYTES,
  type SlotManifest,
} from '../../partitions/slot-blob.ts';
import { openBlockDevice } from './block-device.ts';
import type { InstallEffects } from './effects.ts';
import type { InstallEvent } from './events.ts';
import type { InstallRequest } from './prepare.ts';
import { DEFAULT_WISHES } from './wishes.ts';

/** For tests: a folder with a slot image made by the real veritysetup, boot files, and disks that are loop devices. */

export const EIGHT_GB = 8_000_000_000;

/** A working folder that is gone after the test. */
function labFolder(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-install-test-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Bytes that look random and are the same each time (xorshift32). */
export function noise(size_bytes: number, seed = 1): Uint8Array {
  const words = new Uint32Array(size_bytes / 4);
  let state = seed || 1;
  for (let index = 0; index < words.length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return new Uint8Array(words.buffer);
}

/** Writes a slot image of the real format around noise instead of a file system. */
async function makeImage(path: string, data_bytes: number): Promise<SlotManifest> {
  const salt = '5a'.repeat(32);
  const data = noise(data_bytes, 7);
  const data_blocks = data_bytes / BLOCK_BYTES;
  let tree_blocks = 1;
  for (let level = data_blocks; level > 1; ) {
    level = Math.ceil(level / 128);
    tree_blocks += level;
  }
  const footerStart_bytes = data_bytes + tree_blocks * BLOCK_BYTES;
  data.set(buildHeader(footerStart_bytes), 0);
  writeFileSync(path, data);
  const printed = await runOrThrow(run, 'veritysetup', [
    ...['format', '--salt', salt, '--data-blocks', String(data_blocks), '--hash-offset', String(data_bytes)],
    ...[path, path],
  ]);
  const root_hash = /Root hash:\s+([0-9a-f]{64})/.exec(printed)?.[1] ?? '';
  const manifest: SlotManifest = {
    format: 1,
    name: 'bulkhead',
    version: '1.2.3',
    revision: 'abc',
    built_at: '2026-11-01T00:00:00Z',
    compatible: ['hp-t640'],
    data_bytes,
    blob_bytes: footerStart_bytes + FOOTER_BYTES,
    verity: { root_hash, salt, data_blocks },
    kernel_sha256: 'a'.repeat(64),
    initrd_sha256: 'b'.repeat(64),
  };
  const files = {
    kernel: { start: 8, count: 8 },
    kernelSize_bytes: 4096,
    initrd: { start: 16, count: 8 },
    initrdSize_bytes: 4096,
  };
  const blob = new Uint8Array(await Bun.file(path).arrayBuffer());
  writeFileSync(path, Buffer.concat([blob.subarray(0, footerStart_bytes), buildFooter(manifest, files)]));
  return manifest;
}

export interface Lab {
  folder: string;
  image: string;
  bootFiles: string;
  manifest: SlotManifest;
  remove: () => void;
}

/** @param data_bytes data part of the image; a few MiB give several chunks */
export async function makeLab(data_bytes = 9 * 1024 * 1024): Promise<Lab> {
  const { folder, remove } = labFolder();
  const image = join(folder, 'slot.img');
  const bootFiles = join(folder, 'boot');
  const manifest = await makeImage(image, data_bytes);
  mkdirSync(bootFiles);
  writeFileSync(join(bootFiles, 'BOOTX64.EFI'), noise(300_000, 3));
  writeFileSync(join(bootFiles, 'grub.cfg'), '# a script\n');
  return { folder, image, bootFiles, manifest, remove };
}

export interface LoopDisk {
  /** `/dev/loopN`. */
  path: string;
  file: string;
  detach: () => Promise<void>;
}

/** Tests of other parts use loop devices at the same time; a device in transition can come out read-only. */
const ATTACH_ATTEMPTS = 5;

/** A sparse file as a disk. */
export async function attachDisk(file: string, size_bytes: number, sector_bytes = 512): Promise<LoopDisk> {
  if (!(await Bun.file(file).exists())) writeFileSync(file, '');
  truncateSync(file, size_bytes);
  for (let attempt = 1; ; attempt += 1) {
    const attached = await runOrThrow(run, 'losetup', [
      ...['--find', '--show', '--partscan', '--sector-size', String(sector_bytes)],
      file,
    ]);
    const disk = loopDisk(attached.trim(), file);
    const folder = join(KERNEL_ROOTS.sys, 'block', basename(disk.path));
    if (readText(join(folder, 'ro')) === '0') return disk;
    await disk.detach();
    if (attempt === ATTACH_ATTEMPTS) throw new Error(`${disk.path} stays read-only`);
  }
}

function loopDisk(path: string, file: string): LoopDisk {
  return {
    path,
    file,
    async detach() {
      await run('partx', ['--delete', path]);
      await runOrThrow(run, 'losetup', ['--detach', path]);
    },
  };
}

export function labRequest(lab: Lab, target: string, change: Partial<InstallRequest> = {}): InstallRequest {
  return {
    automatic: false,
    imagePath: lab.image,
    bootFilesFolder: lab.bootFiles,
    machine: { vendor: 'QEMU', product: 'Standard PC' },
    live: false,
    diskPatience_ms: 0,
    wishes: { target },
    config: null,
    readConfig: () => DEFAULT_WISHES,
    ...change,
  };
}

/** The real effects; what happened is collected in `events`. */
export function labEffects(
  lab: Lab,
  change: Partial<InstallEffects> = {},
): InstallEffects & { events: InstallEvent[] } {
  const events: InstallEvent[] = [];
  return {
    run,
    open: openBlockDevice,
    emit: (event) => events.push(event),
    clock_ms: () => performance.now(),
    now: () => new Date('2026-11-21T12:00:00Z'),
    randomUuid: () => crypto.randomUUID(),
    kernel: KERNEL_ROOTS,
    workFolder: join(lab.folder, 'work'),
    events,
    ...change,
  };
}

/** Writes bytes into the middle of a file or device and flushes them. */
export function writeAt(path: string, offset_bytes: number, bytes: Uint8Array): void {
  const result = Bun.spawnSync(
    [
      'dd',
      `of=${path}`,
      'bs=64K',
      `seek=${offset_bytes}`,
      'oflag=seek_bytes',
      'conv=notrunc,fsync',
      'status=none',
    ],
    { stdin: bytes },
  );
  if (result.exitCode !== 0) throw new Error(`cannot write to ${path}: ${result.stderr}`);
}
