import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { run } from '../../base/run.ts';
import { createDisk, createOverlay } from './harness/disk.ts';
import { readFatFile, readPartition, writeFatFile } from './harness/disk-content.ts';
import { buildGrubProgram, createGrubDisk, createGrubIso } from './harness/grub-program.ts';
import type { Machine } from './harness/machine.ts';
import type { DiskBus, DiskFile, MachineOptions } from './harness/options.ts';
import { freePort } from './harness/ports.ts';
import { lockFiles } from './harness/qemu-process.ts';
import { loadSavedMachine } from './harness/saved-machine.ts';
import { machineForTest, restoredMachineForTest } from './harness/vitest-machine.ts';

/** OVMF and GRUB take four seconds on an idle machine. */
const BOOT_MS = 60_000;
const ANSWER_MS = 15_000;
const SMALL = { memory_mb: 256 } as const;

let folder: string;
let program: string;
let installed: DiskFile;
let iso: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-harness-test-'));
  program = await buildGrubProgram(folder);
  installed = await createGrubDisk(folder, program, 'installed');
  iso = await createGrubIso(folder, program, 'medium');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function bootedMachine(options: MachineOptions, reads = 'installed'): Promise<Machine> {
  const machine = await machineForTest({ ...SMALL, ...options });
  await machine.waitForSerial(`I AM ${reads}`, BOOT_MS);
  await machine.waitForSerial('GUEST READY', ANSWER_MS);
  return machine;
}

async function say(machine: Machine, word: string, answer: string | RegExp) {
  machine.sendSerial(`${word}\r`);
  return machine.waitForSerial(answer, ANSWER_MS);
}

/** A disk of this test's own over the shared one. */
function overlay(name: string): Promise<DiskFile> {
  return createOverlay(join(folder, `${name}.qcow2`), installed);
}

async function counterOf(disk: DiskFile): Promise<string | undefined> {
  return /n=(\d)/.exec(new TextDecoder().decode(await readFatFile(disk, 'ESP', '/counter')))?.[1];
}

describe('what a machine boots from', () => {
  test.each<DiskBus>(['virtio', 'sata', 'nvme', 'usb', 'scsi'])('a disk on %s', async (bus) => {
    const machine = await bootedMachine({
      name: `bus-${bus}`,
      disks: [{ ...installed, bus, snapshot: true }],
    });
    await say(machine, 'halt', 'GUEST HALT');
    await machine.waitForPowerOff(ANSWER_MS);
    expect(machine.running).toBe(false);
  });

  test('an ISO as CD-ROM, before the disk', async () => {
    const machine = await bootedMachine(
      { name: 'cdrom', cdrom: iso, disks: [{ ...installed, snapshot: true }] },
      'medium',
    );
    await say(machine, 'disks', 'GUEST DISKS');
    expect(machine.serialText).toContain('(cd0');
    expect(machine.serialText).toContain('(hd0,gpt1)');
  });

  test('an ISO as USB stick', async () => {
    const disks = [{ ...installed, snapshot: true }];
    await bootedMachine({ name: 'stick', usbStick: iso, disks }, 'medium');
  });

  test('a loader disk, when the disk is an SD card that OVMF cannot read; hardware as the options say', async () => {
    const card = createDisk(join(folder, 'card.img'), 64 * 1024 * 1024);
    const machine = await bootedMachine({
      ...{ name: 'emmc', loader: installed.path, disks: [{ ...card, bus: 'emmc' }], memory_mb: 384 },
      ...{ smbios: { product: 'HP t640, Thin Client' }, rtcBase: '2011-01-02T03:04:05' },
    });
    await say(machine, 'pci', 'GUEST PCI');
    expect(machine.serialText).toMatch(/1b36:0007/); // QEMU's SD host controller
    await say(machine, 'vendor', 'GUEST PRODUCT HP t640, Thin Client');
    await say(machine, 'date', /2011-01-02 03:04:\d\d/);
    expect(await machine.qmp('query-memory-size-summary')).toMatchObject({
      'base-memory': 384 * 1024 * 1024,
    });
  });
});

test('screenshot shows the screen, reset starts again, the watchdog resets a hung guest', async () => {
  const disks = [{ ...installed, snapshot: true }];
  const machine = await bootedMachine({ name: 'controls', disks, watchdog: 'i6300esb' });
  const picture = join(folder, 'screen.png');
  await machine.screenshot(picture);
  const bytes = await Bun.file(picture).bytes();
  expect(new TextDecoder('latin1').decode(bytes.subarray(1, 4))).toBe('PNG');
  expect(new DataView(bytes.buffer).getUint32(16)).toBeGreaterThanOrEqual(640); // width in the IHDR chunk

  await machine.reset();
  await machine.waitForSerial('GUEST READY', BOOT_MS);
  expect(machine.events.some(({ event, data }) => event === 'RESET' && data['guest'] === false)).toBe(true);

  await say(machine, 'watchdog', 'GUEST WATCHDOG');
  await machine.waitForEvent('WATCHDOG', ANSWER_MS);
  await machine.waitForSerial('GUEST READY', BOOT_MS);
});

test('a power cut keeps what was written, and disks can be read and changed while off', async () => {
  const disk = await overlay('cut');
  const first = await bootedMachine({ name: 'cut', disks: [{ ...disk }] });
  await say(first, 'count', 'GUEST COUNT 2');
  await expect(readFatFile(disk, 'ESP', '/counter')).rejects.toThrow(/DISK_TOOL_FAILED|could not be/);
  await first.cutPower();
  expect(first.running).toBe(false);
  expect(await counterOf(disk)).toBe('2');
  expect(await counterOf(installed)).toBe('1');

  const changed = new TextEncoder().encode('# GRUB Environment Block\nn=1\n'.padEnd(512, '#'));
  await writeFatFile(disk, 'ESP', '/counter', changed);
  const second = await bootedMachine({ name: 'cut-again', disks: [{ ...disk }] });
  await say(second, 'count', 'GUEST COUNT 2');
  await say(second, 'count', 'GUEST COUNT 3');
  await second.cutPower('lost'); // GRUB does not flush, and this sector is in the file already: overwritten at once
  expect(await counterOf(disk)).toBe('3');

  const fresh = await overlay('cut-lost');
  const third = await bootedMachine({ name: 'cut-lost', disks: [{ ...fresh }] });
  await say(third, 'count', 'GUEST COUNT 2');
  await third.cutPower('lost'); // here it needed a new cluster, and nothing has flushed the table that names it
  expect(await counterOf(fresh)).toBe('1');
});

test('a saved machine goes on in seconds, twice at once, each on its own disk', async () => {
  const disk = await overlay('saved');
  const machine = await bootedMachine({
    name: 'saved',
    disks: [{ ...disk, bus: 'sata' }],
    forwards: { 80: 0 },
  });
  await say(machine, 'count', 'GUEST COUNT 2');
  await machine.save(join(folder, 'saved-state'));
  expect(machine.running).toBe(false);

  const saved = loadSavedMachine(join(folder, 'saved-state'));
  const began = Date.now();
  const one = await restoredMachineForTest(saved, { name: 'restored-one' });
  await say(one, 'count', 'GUEST COUNT 3');
  expect(Date.now() - began).toBeLessThan(10_000);
  const two = await restoredMachineForTest(saved, { name: 'restored-two', queue: false });
  await say(two, 'count', 'GUEST COUNT 3');
  expect(one.hostPort(80)).not.toBe(two.hostPort(80));
  expect(await counterOf(disk)).toBe('2');
});

describe('what goes wrong is said at once, with the console', () => {
  test('time is up, the machine goes off, the kernel panics', async () => {
    const options = { name: 'fails', disks: [{ ...installed, snapshot: true }] };
    const machine = await bootedMachine(options);
    onTestFinished(() => rmSync(machine.logFolder, { recursive: true, force: true }));
    await expect(machine.waitForSerial('never printed', 200)).rejects.toThrow(
      /no never printed on the console within 200 ms.*GUEST READY/s,
    );
    expect(await Bun.file(join(machine.logFolder, 'serial.log')).text()).toMatch(
      /^ +\d+\.\d{3} GUEST READY/m,
    );
    expect(await Bun.file(join(machine.logFolder, 'screen.png')).exists()).toBe(true);
    expect(await Bun.file(join(machine.logFolder, 'processor.txt')).text()).toMatch(/look 2.*[ER]IP=/s);

    machine.sendSerial('panic\r');
    await expect(machine.waitForSerial('login:', BOOT_MS)).rejects.toThrow(/kernel panic: .*as told/);
    await machine.waitForSerial('as told', ANSWER_MS); // what the wait did not consume is still there
    machine.sendSerial('halt\r');
    await expect(machine.waitForSerial('login:', BOOT_MS)).rejects.toThrow(
      /went off while waiting for login:/,
    );
    await machine.stop();
    expect(await Bun.file(join(machine.logFolder, 'qemu.log')).text()).toContain('qemu-system-x86_64');
  });

  test('a taken port and a disk that is not there', async () => {
    const port = (await freePort(0)) ?? 0;
    const server = Bun.serve({ port, hostname: '127.0.0.1', fetch: () => new Response('') });
    onTestFinished(() => server.stop(true));
    await expect(machineForTest({ name: 'port', forwards: { 80: port } })).rejects.toThrow(
      /port \d+ .* in use/,
    );
    const disks = [{ path: join(folder, 'missing.img') }];
    await expect(
      machineForTest({ name: 'missing', disks, logFolder: join(folder, 'missing-log') }),
    ).rejects.toThrow(/missing.img.*No such file/);
    await expect(machineForTest({ name: 'order', bootFrom: ['cdrom'] })).rejects.toThrow(
      /'cdrom', which is not/,
    );
  });
});

test('a machine dies with the process that started it, however that dies', async () => {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dirname, 'harness/start-and-hang.ts'), join(folder, 'orphan-log')],
    { stdout: 'pipe' },
  );
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const pid = Number(new TextDecoder().decode(value));
  expect((await run('ps', ['-o', 'comm=', '-p', String(pid)])).stdout).toContain('qemu');
  child.kill('SIGKILL');
  await child.exited;
  await expect.poll(async () => (await run('ps', ['-p', String(pid)])).code, { timeout: 5_000 }).toBe(1);
});

test('a third machine waits until one of two is off', async () => {
  const queue = `test-${process.pid}`; // of its own: the places of other tests are not for holding on to
  onTestFinished(() => {
    for (const file of lockFiles(queue, 2)) rmSync(file, { force: true });
  });
  const one = await machineForTest({ ...SMALL, queue, name: 'queue-one' });
  const two = await machineForTest({ ...SMALL, queue, name: 'queue-two' });
  let started = false;
  const third = machineForTest({ ...SMALL, queue, name: 'queue-three' }).then((machine) => {
    started = true;
    return machine;
  });
  await Bun.sleep(1_500);
  expect(started).toBe(false);
  await one.cutPower();
  expect((await third).running).toBe(true);
  expect(two.running).toBe(true);
});

test('bytes of a partition are what the file system put there', async () => {
  const boot = await readPartition(installed, 'ESP', 0, 512);
  expect(new TextDecoder('latin1').decode(boot.subarray(82, 90))).toBe('FAT32   ');
});
