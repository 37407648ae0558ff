import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { run, runOrThrow } from '../../base/run.ts';
import type { InstallEffects } from './effects.ts';
import { attachDisk, type Lab, type LoopDisk, labEffects } from './loop-lab.ts';

export const MIB = 1024 * 1024;

/**
 * For tests: a machine with sticks. They are loop devices that a made-up sysfs calls USB disks; what is read from them is read
 * from the real device.
 */
export class StickLab {
  private readonly kernel: string;
  private attached: LoopDisk[] = [];
  private mounts = '';

  constructor(private readonly lab: Lab) {
    this.kernel = join(lab.folder, `kernel-${crypto.randomUUID()}`);
    mkdirSync(join(this.kernel, 'sys/block'), { recursive: true });
    this.put('proc/cmdline', 'quiet');
    this.put('proc/self/mountinfo', '');
  }

  effects(): InstallEffects {
    return labEffects(this.lab, {
      kernel: { sys: join(this.kernel, 'sys'), proc: join(this.kernel, 'proc') },
    });
  }

  async remove(): Promise<void> {
    for (const disk of this.attached) await disk.detach();
    rmSync(this.kernel, { recursive: true });
  }

  /** A file of the made-up sysfs or procfs, e.g. `proc/cmdline`. */
  put(path: string, text: string): void {
    mkdirSync(dirname(join(this.kernel, path)), { recursive: true });
    writeFileSync(join(this.kernel, path), text);
  }

  /** Where sysfs lists a disk. */
  listing(disk: LoopDisk): string {
    return join(this.kernel, 'sys/block', basename(disk.path));
  }

  /** Attaches a file as a disk and makes the kernel of this machine know it at a place of our choice. */
  async plug(
    file: string,
    bus: 'usb' | 'ata',
    role: 'medium' | 'other',
    size_bytes = Math.ceil(Bun.file(file).size / 4096) * 4096,
    sector_bytes = 512,
  ): Promise<LoopDisk> {
    const disk = await attachDisk(file, size_bytes, sector_bytes);
    this.attached.push(disk);
    const name = basename(disk.path);
    const place = bus === 'usb' ? `pci0/usb2/2-1/host3/block/${name}` : `pci0/ata1/host1/block/${name}`;
    const number = `7:${this.attached.length}`;
    this.put(`sys/devices/${place}/size`, String(size_bytes / 512));
    this.put(`sys/devices/${place}/dev`, number);
    this.put(`sys/devices/${place}/queue/logical_block_size`, String(sector_bytes));
    symlinkSync(`../devices/${place}`, this.listing(disk));
    if (role === 'medium') this.mounts += `30 1 ${number} / /run/media ro - iso9660 ${disk.path} ro\n`;
    this.put('proc/self/mountinfo', this.mounts);
    return disk;
  }

  /** Pulls a disk out again. */
  async unplug(disk: LoopDisk): Promise<void> {
    rmSync(this.listing(disk));
    await disk.detach();
    this.attached = this.attached.filter((other) => other !== disk);
  }

  /** A FAT file system in a file, with files in it. */
  async fat(
    label: string,
    files: Record<string, string | Uint8Array>,
    size_bytes = 40 * MIB,
  ): Promise<string> {
    const path = join(this.lab.folder, `fat-${crypto.randomUUID()}`);
    writeFileSync(path, '');
    truncateSync(path, size_bytes);
    await runOrThrow(run, 'mkfs.vfat', ['-n', label, path]);
    for (const [name, content] of Object.entries(files)) {
      const local = join(this.lab.folder, 'content');
      writeFileSync(local, content);
      await runOrThrow(run, 'mcopy', ['-i', path, local, `::/${name}`]);
    }
    return path;
  }

  /** A stick with that FAT in a partition. */
  async partitioned(table: 'gpt' | 'dos', volume: string): Promise<string> {
    const path = join(this.lab.folder, `stick-${crypto.randomUUID()}`);
    writeFileSync(path, '');
    truncateSync(path, 64 * MIB);
    const type = table === 'gpt' ? 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7' : 'c';
    const input = `label: ${table}\nstart=4MiB, size=40MiB, type=${type}\n`;
    await runOrThrow(run, 'sfdisk', ['--quiet', path], { input });
    await runOrThrow(run, 'dd', [
      ...[`if=${volume}`, `of=${path}`, 'bs=1M', 'seek=4', 'conv=notrunc', 'status=none'],
    ]);
    return path;
  }

  /** A hybrid image made as iso/build/live-iso.ts makes it. */
  async hybrid(files: Record<string, string>): Promise<string> {
    const tree = join(this.lab.folder, 'tree');
    mkdirSync(tree, { recursive: true });
    writeFileSync(join(tree, 'readme'), 'x'.repeat(100_000));
    const path = join(this.lab.folder, `hybrid-${crypto.randomUUID()}.iso`);
    const volume = await this.fat('BULKHEAD', files, 8 * MIB);
    await runOrThrow(run, 'xorriso', [
      ...['-as', 'mkisofs', '-iso-level', '3', '-r', '-V', 'BULKHEAD_ISO', '-partition_offset', '16'],
      ...['-append_partition', '2', '0xef', volume, '-appended_part_as_gpt'],
      ...['-e', '--interval:appended_partition_2:all::', '-no-emul-boot', '-o', path, tree],
    ]);
    return path;
  }
}
