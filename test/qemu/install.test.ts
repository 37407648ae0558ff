import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  mkdirSync,
  openSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run, runOrThrow } from '../../base/run.ts';
import { Appliance, HEALTHY_TIMEOUT_MS } from './fixtures/appliance.ts';
import { blankDisk, expectSlotOnDisk, GIB } from './fixtures/blank-disk.ts';
import { directBootForTest } from './fixtures/direct-boot.ts';
import { BUILD, ISO_FILE } from './fixtures/image.ts';
import { INSTALL_TIMEOUT_MS, installation, installedDisk } from './fixtures/installed-disk.ts';
import { damagedMedium, listMedium, stickForTest } from './fixtures/medium.ts';
import { readExt4File, readPartitions } from './harness/disk-content.ts';
import { fatOf } from './harness/medium.ts';
import { machineForTest } from './harness/vitest-machine.ts';

/** The stick and the CD: from blank disk to a healthy appliance that never asked anything. The other buses: install-matrix. */

/** What an ISO may have; one that was compressed in haste is about a tenth larger (docs/develop/building.md). */
const ISO_MAX_BYTES = process.env['BULKHEAD_FAST_ISO'] === '1' ? 176e6 : 160e6;
/** Room for a screen that a person should read before the machine goes on. */
const REFUSAL_TIMEOUT_MS = 3 * 60_000;
/** Longer than anything that once started over: 10 s in the initrd, 30 s after a panic. */
const STAYS_MS = 45_000;

async function digest(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/** Zeros in the middle of a file. */
function writeZeros(path: string, offset_bytes: number, size_bytes: number): void {
  const file = openSync(path, 'r+');
  writeSync(file, new Uint8Array(size_bytes), 0, size_bytes, offset_bytes);
  closeSync(file);
}

test('the ISO is no larger than it may be', () => {
  expect(statSync(ISO_FILE).size).toBeLessThan(ISO_MAX_BYTES);
});

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

    const alone = await machineForTest({
      ...{ name: 'usb-nvme', disks: options.disks.slice(0, 1) },
      ...{ watchdog: 'i6300esb', forwards: { 80: 0 } },
    });
    const again = await new Appliance(alone).judged();
    expect(again.health.outcome).toBe('healthy');
    expect(again.identity.deviceId).toBe(status.identity.deviceId);
  });

  test('with a file REINSTALL erases an installed SATA disk without a key pressed, once, to a new healthy appliance', async () => {
    const disk = { ...(await installedDisk('reinstall')), bus: 'sata' as const };
    const stick = await stickForTest('reinstall', { 'config.yaml': 'site_id: again\n', REINSTALL: '' });
    const media = { disks: [{ path: stick, bus: 'usb' as const }, disk] };
    const installer = await machineForTest({ name: 'reinstall', ...media });
    await installer.waitForPowerOff(INSTALL_TIMEOUT_MS);
    await installer.stop();
    expect(installer.serialText).toContain('bulkhead-install: finished');
    await expectSlotOnDisk(disk);
    expect(await listMedium(stick)).toEqual(expect.arrayContaining(['config.yaml', 'EFI/']));
    expect(await listMedium(stick)).not.toContain('REINSTALL');

    const machine = await machineForTest({
      ...{ name: 'reinstalled', ...media, watchdog: 'i6300esb', forwards: { 80: 0 } },
    });
    await machine.waitForSerial('BULKHEAD-GRUB medium: starting the installed appliance', HEALTHY_TIMEOUT_MS);
    const { health, identity } = await new Appliance(machine).judged();
    expect(health).toMatchObject({ outcome: 'healthy', verdicts: [{ action: 'commit' }] });
    expect(identity.siteId).toBe('again');
    await machine.cutPower();
    const record = await readExt4File(disk, 'MSP-DATA', '/install.json');
    expect(JSON.parse(Buffer.from(record ?? []).toString())).toMatchObject({ identity: 'new' });
  });

  test('whose blocks went bad says so on the screen, stays there, and has touched nothing', async () => {
    const listed = await runOrThrow(run, 'xorriso', [
      ...['-indev', ISO_FILE, '-find', '/bulkhead/root.squashfs', '-exec', 'report_lba'],
    ]);
    const [, start = '', , size = ''] =
      /(\d+) ,\s+(\d+) ,\s+(\d+) , '\/bulkhead\/root\.squashfs'/.exec(listed) ?? [];
    // squashfs keeps its tables at the end.
    const stick = damagedMedium('bad-stick', (path) =>
      writeZeros(path, Number(start) * 2048 + Number(size) - 65_536, 65_536),
    );
    const disk = blankDisk('bad-stick', 12 * GIB);
    const machine = await machineForTest({ name: 'bad-stick', usbStick: stick, disks: [disk] });
    await machine.waitForSerial(/BULKHEAD CANNOT START: .*medium/, REFUSAL_TIMEOUT_MS);
    await Bun.sleep(STAYS_MS);
    expect(machine.running).toBe(true);
    expect(machine.events.filter(({ event }) => event === 'RESET')).toEqual([]);
    mkdirSync(join(BUILD, 'boot-screens'), { recursive: true });
    await machine.screenshot(join(BUILD, 'boot-screens/bad-stick.png'));
    await machine.stop();
    await expect(readPartitions(disk)).rejects.toThrow();
  });

  test('shows people one volume called BULKHEAD, the one for config.yaml', async () => {
    const fat = (await fatOf(ISO_FILE)).split('@@')[1] ?? '';
    const label = (offset: string) =>
      runOrThrow(run, 'blkid', ['-p', '-O', offset, '-o', 'value', '-s', 'LABEL', ISO_FILE]);
    expect((await label(fat)).trim()).toBe('BULKHEAD');
    expect((await label('0')).trim()).toBe('BULKHEAD_ISO');
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
    const machine = await machineForTest({
      name: 'emmc',
      disks: [attached],
      watchdog: 'i6300esb',
      forwards: { 80: 0 },
      firmware: await directBootForTest(disk, 'A'),
    });
    expect((await new Appliance(machine).judged()).health.outcome).toBe('healthy');
  });
});
