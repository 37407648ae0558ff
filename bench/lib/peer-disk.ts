import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, runOrThrow } from '../../base/run.ts';
import { createDisk, putRange } from '../../test/qemu/harness/disk.ts';
import { readPartitions } from '../../test/qemu/harness/disk-content.ts';
import { findPartition } from '../../test/qemu/harness/gpt.ts';
import { PEER_DISK_BYTES, PEER_ESP_BYTES, PEER_TIMEOUT_MS } from './limits.ts';

/** A disk as a cloud image's: ESP with GRUB, the rest one ext4. Made without mounting anything. */

export const PEER_ROOT_UUID = '6f0ec3a2-5a1d-4d8e-9d5b-3f6d0b7a1c11';
export const PEER_ESP_UUID = 'B0A7-5EED';

const MEBIBYTE = 1024 ** 2;

/** What GRUB of a cloud image is linked with, as far as this disk needs it. */
const GRUB_MODULES =
  'part_gpt fat ext2 search search_fs_uuid normal configfile linux echo test all_video gfxterm serial terminal';

/** @param tree root file system with exactly one kernel; gets GRUB's configuration */
export async function assemblePeerDisk(tree: string, path: string, work: string): Promise<void> {
  await makeGrub(tree);
  rmSync(path, { force: true });
  const disk = createDisk(path, PEER_DISK_BYTES);
  await runOrThrow(run, 'sgdisk', [
    ...['-n', `1:1M:+${PEER_ESP_BYTES / MEBIBYTE}M`, '-t', '1:ef00', '-c', '1:ESP'],
    ...['-n', '2:0:0', '-t', '2:8304', '-c', '2:root', path],
  ]);
  const partitions = await readPartitions(disk);
  const esp = join(work, 'esp.img');
  const root = join(work, 'root.img');
  for (const file of [esp, root]) rmSync(file, { force: true });
  createDisk(esp, findPartition(partitions, 'ESP').size_bytes);
  createDisk(root, findPartition(partitions, 'root').size_bytes);
  await runOrThrow(run, 'mkfs.fat', ['-F', '32', '-s', '1', '-i', PEER_ESP_UUID.replace('-', ''), esp]);
  await runOrThrow(run, 'mmd', ['-i', esp, '::/EFI', '::/EFI/BOOT']);
  await runOrThrow(run, 'mcopy', ['-i', esp, join(tree, 'boot/BOOTX64.EFI'), '::/EFI/BOOT/BOOTX64.EFI']);
  await runOrThrow(run, 'mkfs.ext4', ['-q', '-U', PEER_ROOT_UUID, '-d', tree, root], {
    timeout_ms: PEER_TIMEOUT_MS,
  });
  await putRange(disk, findPartition(partitions, 'ESP').offset_bytes, esp);
  await putRange(disk, findPartition(partitions, 'root').offset_bytes, root);
  rmSync(esp);
  rmSync(root);
}

/** GRUB of the same Debian as the rest of the tree; its menu is gone at once, as in a cloud image. */
async function makeGrub(tree: string): Promise<void> {
  const release = readdirSync(join(tree, 'usr/lib/modules'))[0];
  mkdirSync(join(tree, 'boot/grub'), { recursive: true });
  // The rescue parser that reads this knows no comments.
  writeFileSync(
    join(tree, 'boot/early.cfg'),
    `search --fs-uuid --set=root ${PEER_ROOT_UUID}\nset prefix=($root)/boot/grub\n`,
  );
  writeFileSync(
    join(tree, 'boot/grub/grub.cfg'),
    [
      'set timeout=0',
      "menuentry 'Debian GNU/Linux' {",
      `  linux /boot/vmlinuz-${release} root=UUID=${PEER_ROOT_UUID} ro console=tty0 console=ttyS0,115200 consoleblank=0 quiet`,
      `  initrd /boot/initrd.img-${release}`,
      '}\n',
    ].join('\n'),
  );
  await runOrThrow(run, 'chroot', [
    ...[tree, 'grub-mkimage', '-O', 'x86_64-efi', '-o', '/boot/BOOTX64.EFI'],
    ...['-c', '/boot/early.cfg', '-p', '/boot/grub', ...GRUB_MODULES.split(' ')],
  ]);
}
