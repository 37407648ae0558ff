import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Appliance, HEALTHY_TIMEOUT_MS } from './fixtures/appliance.ts';
import { BUILD, ISO_FILE, readManifest } from './fixtures/image.ts';
import { INSTALL_TIMEOUT_MS, installation } from './fixtures/installed-disk.ts';
import { createDisk } from './harness/disk.ts';
import { readPartition, readPartitions } from './harness/disk-content.ts';
import type { DiskFile } from './harness/options.ts';
import { machineForTest } from './harness/vitest-machine.ts';

/** The stick and the CD on every bus: from blank disk to a healthy appliance that never asked anything. */

const GIB = 1024 ** 3;
/** Room for a screen that a person should read before the machine goes on. */
const REFUSAL_TIMEOUT_MS = 3 * 60_000;

function blankDisk(name: string, size_bytes: number): DiskFile {
  const folder = join(BUILD, 'boot-disks');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}-${process.pid}-${Date.now()}.raw`);
  onTestFinished(() => rmSync(path, { force: true }));
  return createDisk(path, size_bytes);
}

async function digest(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/** The slot's bytes on the disk are those of the image, and the other slot is empty. */
async function expectSlotOnDisk(disk: DiskFile): Promise<void> {
  const manifest = readManifest();
  const labels = (await readPartitions(disk)).map((partition) => partition.label);
  expect(labels).toEqual(['ESP', 'root-a', 'root-b', 'MSP-DATA']);
  const header = await readPartition(disk, 'root-a', 0, 512);
  expect(Buffer.from(header).toString('latin1')).toContain('slot_format=1');
  const footer = await readPartition(disk, 'root-a', manifest.blob_bytes - 16 * 1024, 16 * 1024);
  expect(Buffer.from(footer).toString('latin1')).toContain(manifest.verity.root_hash);
  const other = await readPartition(disk, 'root-b', 0, 4096);
  expect(other.every((byte) => byte === 0)).toBe(true);
}

describe('the ISO as CD-ROM', () => {
  test('installs onto a virtio disk with every step told on the serial line, and switches off', async () => {
    const { serialLog, disk } = installation();
    for (const step of [
      'Wipe old tables',
      'Write slot A',
      'Read slot A back and compare',
      'Mark as complete',
    ]) {
      expect(serialLog).toContain(step);
    }
    expect(serialLog).toMatch(/slot: +\d+ % .* left/);
    expect(serialLog).toContain('bulkhead-install: finished');
    await expectSlotOnDisk(disk);
  });

  test('refuses a machine that is not listed, says why in large letters, and writes nothing', async () => {
    const disk = blankDisk('refused', 12 * GIB);
    const machine = await machineForTest({
      name: 'refused',
      cdrom: ISO_FILE,
      disks: [disk],
      smbios: { manufacturer: 'Example', product: 'Bread Oven 3000' },
    });
    await machine.waitForSerial(/bulkhead-install: failed INSTALL_\w+/, REFUSAL_TIMEOUT_MS);
    await machine.waitForSerial('Bread Oven 3000', 60_000);
    mkdirSync(join(BUILD, 'boot-screens'), { recursive: true });
    // The screen is drawn after the line is written.
    await Bun.sleep(5_000);
    await machine.screenshot(join(BUILD, 'boot-screens/refused.png'));
    await machine.stop();
    await expect(readPartitions(disk)).rejects.toThrow();
  });
});

describe('the ISO as USB stick', () => {
  test('installs onto an NVMe disk, leaves a second disk alone, and left in starts what is installed', async () => {
    const disk = blankDisk('nvme', 16 * GIB);
    const second = blankDisk('second', 9 * GIB);
    writeFileSync(second.path, 'somebody else keeps this here\n'.repeat(100_000), { flag: 'r+' });
    const before = await digest(second.path);
    const options = {
      usbStick: ISO_FILE,
      disks: [
        { ...disk, bus: 'nvme' as const },
        { ...second, bus: 'sata' as const },
      ],
    };
    const installer = await machineForTest({ name: 'usb-nvme-install', ...options });
    await installer.waitForSerial(/bulkhead-install: done +look/, INSTALL_TIMEOUT_MS);
    mkdirSync(join(BUILD, 'boot-screens'), { recursive: true });
    await installer.screenshot(join(BUILD, 'boot-screens/installing.png'));
    await installer.waitForPowerOff(INSTALL_TIMEOUT_MS);
    await installer.stop();
    await expectSlotOnDisk(disk);
    expect(await digest(second.path)).toBe(before);

    const machine = await machineForTest({
      name: 'usb-left-in',
      ...options,
      watchdog: 'i6300esb',
      forwards: { 80: 0 },
    });
    await machine.waitForSerial('BULKHEAD-GRUB medium: starting the installed appliance', HEALTHY_TIMEOUT_MS);
    const status = await new Appliance(machine).judged();
    expect(status.health).toMatchObject({ outcome: 'healthy', verdicts: [{ action: 'commit' }] });
    expect(status.boot).toMatchObject({ slot: 'A', mode: 'normal' });
    await machine.stop();
    expect(await digest(second.path)).toBe(before);
  });

  test('installs onto a SATA disk that boots to healthy', async () => {
    const disk = blankDisk('sata', 16 * GIB);
    const attached = { ...disk, bus: 'sata' as const };
    const installer = await machineForTest({
      name: 'usb-sata-install',
      usbStick: ISO_FILE,
      disks: [attached],
    });
    await installer.waitForPowerOff(INSTALL_TIMEOUT_MS);
    await installer.stop();
    const machine = await machineForTest({
      name: 'usb-sata',
      disks: [attached],
      watchdog: 'i6300esb',
      forwards: { 80: 0 },
    });
    expect((await new Appliance(machine).judged()).health.outcome).toBe('healthy');
  });
});

describe('the ISO on a machine with eMMC', () => {
  test('installs onto it; started by a loader from elsewhere, because this firmware reads no eMMC, it is healthy', async () => {
    const disk = blankDisk('emmc', 16 * GIB);
    const attached = { ...disk, bus: 'emmc' as const };
    const installer = await machineForTest({ name: 'emmc-install', cdrom: ISO_FILE, disks: [attached] });
    await installer.waitForPowerOff(INSTALL_TIMEOUT_MS);
    await installer.stop();
    await expectSlotOnDisk(disk);
    const { verity } = readManifest();
    const slot = (await readPartitions(disk)).find((partition) => partition.label === 'root-a');
    const boot = join(BUILD, 'work/tree/usr/lib/bulkhead/boot');
    const machine = await machineForTest({
      name: 'emmc',
      disks: [attached],
      watchdog: 'i6300esb',
      forwards: { 80: 0 },
      firmware: {
        kernel: join(boot, 'vmlinuz'),
        initrd: join(boot, 'initrd'),
        append: [
          `bulkhead.root=${slot?.partitionUuid}`,
          `bulkhead.verity=${verity.root_hash}:${verity.data_blocks}:${verity.salt}`,
          'ab.partition=A ab.attempt=1 ab.mode=normal console=ttyS0,115200 panic=10 quiet',
        ].join(' '),
      },
    });
    expect((await new Appliance(machine).judged()).health.outcome).toBe('healthy');
  });
});
