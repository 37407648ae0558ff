import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, runOrThrow } from '../../../base/run.ts';
import { withPartition } from './disk-content.ts';
import { createEfiDisk } from './efi-disk.ts';
import type { DiskFile } from './options.ts';

/**
 * A guest of four seconds for testing the harness itself: GRUB as UEFI program with a script that obeys words typed at its
 * console, which OVMF shows on screen and serial line alike. Real firmware, disks and devices; needs no image.
 */
const SCRIPT = `
terminal_input console
terminal_output console
if [ -f ($root)/name ]; then cat ($root)/name; fi
echo "GUEST READY on $root"
while true; do
  read line
  if [ "$line" = "halt" ]; then echo "GUEST HALT"; halt; fi
  if [ "$line" = "reboot" ]; then echo "GUEST REBOOT"; reboot; fi
  if [ "$line" = "panic" ]; then echo "Kernel panic - not syncing: as told"; fi
  if [ "$line" = "disks" ]; then ls; echo "GUEST DISKS"; fi
  if [ "$line" = "pci" ]; then lspci; echo "GUEST PCI"; fi
  if [ "$line" = "vendor" ]; then smbios --type 1 --get-string 5 --set value; echo "GUEST PRODUCT $value"; fi
  if [ "$line" = "date" ]; then date; echo "GUEST DATE"; fi
  if [ "$line" = "count" ]; then
    load_env -f ($root)/counter n
    if [ "$n" = "2" ]; then set n=3; fi
    if [ "$n" = "1" ]; then set n=2; fi
    save_env -f ($root)/counter n
    echo "GUEST COUNT $n"
  fi
  if [ "$line" = "watchdog" ]; then
    # Intel 6300ESB: memory on, unlock, one second on both timers (0x400 * 2^15 PCI clocks of 30 ns), enable.
    setpci -d 8086:25ab 04.w=0002
    setpci -v base -d 8086:25ab 10.l
    regexp --set=1:page '^(.*).$' "$base"
    echo "GUEST WATCHDOG at 0x$base"
    write_byte 0x\${page}c 0x80
    write_byte 0x\${page}c 0x86
    write_dword 0x\${page}0 0x400
    write_byte 0x\${page}c 0x80
    write_byte 0x\${page}c 0x86
    write_dword 0x\${page}4 0x400
    setpci -d 8086:25ab 68.b=2
  fi
done
`;

const MODULES =
  'normal part_gpt part_msdos fat iso9660 terminal echo test read true halt reboot ls cat lspci setpci memrw smbios date loadenv regexp all_video';

/** GRUB's environment block of 512 bytes with the counter at 1. */
const COUNTER = '# GRUB Environment Block\nn=1\n'.padEnd(512, '#');

/** Builds BOOTX64.EFI in a folder and returns its path. */
export async function buildGrubProgram(folder: string): Promise<string> {
  const program = join(folder, 'BOOTX64.EFI');
  await runOrThrow(run, 'grub-mkimage', [
    ...['-O', 'x86_64-efi', '-o', program, '-p', '/'],
    ...MODULES.split(' '),
  ]);
  return program;
}

/** A bootable disk with that program; `name` is what the guest prints first. */
export async function createGrubDisk(folder: string, program: string, name: string): Promise<DiskFile> {
  const nameFile = join(folder, `${name}.name`);
  const counter = join(folder, 'counter');
  writeFileSync(nameFile, `I AM ${name}\n`);
  const script = join(folder, 'grub.cfg');
  writeFileSync(counter, COUNTER);
  writeFileSync(script, SCRIPT);
  return createEfiDisk(join(folder, `${name}.img`), {
    '/EFI/BOOT/BOOTX64.EFI': program,
    '/grub.cfg': script,
    '/name': nameFile,
    '/counter': counter,
  });
}

/** The same program as a hybrid ISO: boots as CD-ROM and as USB stick. */
export async function createGrubIso(folder: string, program: string, name: string): Promise<string> {
  const disk = await createGrubDisk(folder, program, name);
  const tree = join(folder, `${name}.tree`);
  mkdirSync(tree);
  await withPartition(disk, 'ESP', 'read', async (image) => copyFileSync(image, join(tree, 'esp.img')));
  // From a CD, GRUB sees the ISO file system and not the boot image inside it.
  copyFileSync(join(folder, 'grub.cfg'), join(tree, 'grub.cfg'));
  copyFileSync(join(folder, `${name}.name`), join(tree, 'name'));
  const iso = join(folder, `${name}.iso`);
  await runOrThrow(run, 'xorriso', [
    ...['-as', 'mkisofs', '-o', iso, '-e', 'esp.img', '-no-emul-boot', '-isohybrid-gpt-basdat', tree],
  ]);
  return iso;
}
