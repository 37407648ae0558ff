import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BulkheadError } from '../../base/errors.ts';
import { run, runOrThrow } from '../../base/run.ts';
import { listDisks } from '../../partitions/disks.ts';
import type { InstallEffects } from './effects.ts';
import { install } from './install.ts';
import {
  attachDisk,
  EIGHT_GB,
  type Lab,
  type LoopDisk,
  labEffects,
  labRequest,
  makeLab,
} from './loop-lab.ts';
import type { InstallRequest } from './prepare.ts';
import { configPlaces, findStickConfig } from './stick-config.ts';
import { DEFAULT_WISHES } from './wishes.ts';

/**
 * Sticks are loop devices that a made-up sysfs calls USB disks; what is read is read from the real device.
 */
const MIB = 1024 * 1024;
let lab: Lab;
let kernel: string;
let attached: LoopDisk[] = [];
let mounts: string;

beforeAll(async () => {
  lab = await makeLab();
});
afterAll(() => lab.remove());
beforeEach(() => {
  kernel = join(lab.folder, `kernel-${crypto.randomUUID()}`);
  mounts = '';
  mkdirSync(join(kernel, 'sys/block'), { recursive: true });
  put('proc/cmdline', 'quiet');
  put('proc/self/mountinfo', '');
});
afterEach(async () => {
  for (const disk of attached) await disk.detach();
  attached = [];
  rmSync(kernel, { recursive: true });
});

const effects = (): InstallEffects & { events: unknown[] } =>
  labEffects(lab, { kernel: { sys: join(kernel, 'sys'), proc: join(kernel, 'proc') } });

function put(path: string, text: string): void {
  mkdirSync(dirname(join(kernel, path)), { recursive: true });
  writeFileSync(join(kernel, path), text);
}

/** Makes the kernel of this test know a loop device at a place of our choice. */
async function plug(
  file: string,
  bus: 'usb' | 'ata',
  role: 'medium' | 'other',
  size_bytes: number,
  sector_bytes = 512,
) {
  const disk = await attachDisk(file, size_bytes, sector_bytes);
  attached.push(disk);
  const name = basename(disk.path);
  const place = bus === 'usb' ? `pci0/usb2/2-1/host3/block/${name}` : `pci0/ata1/host1/block/${name}`;
  put(`sys/devices/${place}/size`, String(size_bytes / 512));
  put(`sys/devices/${place}/dev`, `7:${attached.length}`);
  put(`sys/devices/${place}/queue/logical_block_size`, String(sector_bytes));
  symlinkSync(`../devices/${place}`, join(kernel, 'sys/block', name));
  if (role === 'medium') mounts += `30 1 7:${attached.length} / /run/media ro - iso9660 ${disk.path} ro\n`;
  put('proc/self/mountinfo', mounts);
  return disk;
}

/** A FAT file system in a file, with files in it. */
async function fat(
  size_bytes: number,
  label: string,
  files: Record<string, string | Uint8Array>,
): Promise<string> {
  const path = join(lab.folder, `fat-${crypto.randomUUID()}`);
  writeFileSync(path, '');
  truncateSync(path, size_bytes);
  await runOrThrow(run, 'mkfs.vfat', ['-n', label, path]);
  for (const [name, content] of Object.entries(files)) {
    const local = join(lab.folder, 'content');
    writeFileSync(local, content);
    await runOrThrow(run, 'mcopy', ['-i', path, local, `::/${name}`]);
  }
  return path;
}

/** A stick with that FAT in a partition. */
async function partitioned(table: 'gpt' | 'dos', volume: string): Promise<string> {
  const path = join(lab.folder, `stick-${crypto.randomUUID()}`);
  writeFileSync(path, '');
  truncateSync(path, 64 * MIB);
  const type = table === 'gpt' ? 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7' : 'c';
  await runOrThrow(run, 'sfdisk', ['--quiet', path], {
    input: `label: ${table}\nstart=4MiB, size=40MiB, type=${type}\n`,
  });
  await runOrThrow(run, 'dd', [
    `if=${volume}`,
    `of=${path}`,
    'bs=1M',
    'seek=4',
    'conv=notrunc',
    'status=none',
  ]);
  return path;
}

/** A hybrid image made as iso/build/live-iso.ts makes it. */
async function hybrid(files: Record<string, string>): Promise<string> {
  const tree = join(lab.folder, 'tree');
  mkdirSync(tree, { recursive: true });
  writeFileSync(join(tree, 'readme'), 'x'.repeat(100_000));
  const path = join(lab.folder, `hybrid-${crypto.randomUUID()}.iso`);
  await runOrThrow(run, 'xorriso', [
    ...['-as', 'mkisofs', '-iso-level', '3', '-r', '-V', 'BULKHEAD', '-partition_offset', '16'],
    ...['-append_partition', '2', '0xef', await fat(8 * MIB, 'BULKHEAD', files), '-appended_part_as_gpt'],
    ...['-e', '--interval:appended_partition_2:all::', '-no-emul-boot', '-o', path, tree],
  ]);
  return path;
}

const sizeOf = (path: string) => Math.ceil(Bun.file(path).size / 4096) * 4096;
const find = () => {
  const fx = effects();
  return findStickConfig(listDisks(fx.kernel), fx);
};

describe('config.yaml is found', () => {
  it('on the hybrid image, as a USB stick and as a CD with sectors of 2048 bytes', async () => {
    for (const sector of [512, 2048]) {
      const iso = await hybrid({ 'config.yaml': 'site_id: a\n', 'README.TXT': 'x' });
      const medium = await plug(iso, 'usb', 'medium', sizeOf(iso), sector);
      expect(await find()).toEqual({
        text: 'site_id: a\n',
        source: `${medium.path} (BULKHEAD): config.yaml`,
      });
      await medium.detach();
      attached = [];
      rmSync(kernel, { recursive: true });
      mkdirSync(join(kernel, 'sys/block'), { recursive: true });
      mounts = '';
    }
  });

  it('on another stick: whole device, GPT or MBR partition, in capitals from DOS, beside other files', async () => {
    const volume = await fat(40 * MIB, 'MYSTICK', { 'CONFIG.YAML': 'site_id: b\n', 'photo.jpg': 'x' });
    for (const stick of [volume, await partitioned('gpt', volume), await partitioned('dos', volume)]) {
      const disk = await plug(stick, 'usb', 'other', sizeOf(stick));
      expect((await find())?.text).toBe('site_id: b\n');
      await disk.detach();
      attached = [];
      rmSync(join(kernel, 'sys/block', basename(disk.path)));
    }
  });

  it('on the medium rather than on another stick', async () => {
    const medium = await fat(40 * MIB, 'BULKHEAD', { 'config.yaml': 'site_id: medium\n' });
    const other = await fat(40 * MIB, 'OTHER', { 'config.yaml': 'site_id: other\n' });
    await plug(other, 'usb', 'other', sizeOf(other));
    await plug(medium, 'usb', 'medium', sizeOf(medium));
    expect((await find())?.text).toBe('site_id: medium\n');
  });
});

describe('there is no configuration', () => {
  it('without sticks, on a stick without the file, on a stick that is not FAT, on an internal disk', async () => {
    expect(await find()).toBeNull();
    const empty = await fat(40 * MIB, 'EMPTY', { 'photo.jpg': 'x' });
    await plug(empty, 'usb', 'other', sizeOf(empty));
    await plug(join(lab.folder, 'blank'), 'usb', 'other', 64 * MIB);
    const inside = await fat(40 * MIB, 'INSIDE', { 'config.yaml': 'site_id: inside\n' });
    await plug(inside, 'ata', 'other', sizeOf(inside));
    expect(await find()).toBeNull();
  });
});

describe('the installation stops, with a reason', () => {
  const refusal = async () =>
    find().then(
      () => undefined,
      (error: BulkheadError) => `${error.code}: ${error.message}`,
    );

  it('for a name that is nearly right', async () => {
    const stick = await fat(40 * MIB, 'WINDOWS', { 'config.yaml.txt': 'site_id: a\n' });
    const { path } = await plug(stick, 'usb', 'other', sizeOf(stick));
    expect(await refusal()).toBe(
      `INSTALL_CONFIG_INVALID: ${path} (WINDOWS) has a 'config.yaml.txt', which is not read`,
    );
  });

  it('for two sticks that both carry one', async () => {
    for (const label of ['ONE', 'TWO']) {
      const stick = await fat(40 * MIB, label, { 'config.yaml': 'site_id: a\n' });
      await plug(stick, 'usb', 'other', sizeOf(stick));
    }
    expect(await refusal()).toMatch(/INSTALL_CONFIG_INVALID: there is more than one config.yaml: .*ONE.*TWO/);
  });

  it('for text that is not UTF-8 and for a file that is no configuration by its size', async () => {
    const latin = await fat(40 * MIB, 'LATIN', { 'config.yaml': Uint8Array.of(0x61, 0xe4, 0x0a) });
    const disk = await plug(latin, 'usb', 'other', sizeOf(latin));
    expect(await refusal()).toMatch(/is not UTF-8 text/);
    rmSync(join(kernel, 'sys/block', basename(disk.path)));
    const large = await fat(40 * MIB, 'LARGE', { 'config.yaml': new Uint8Array(300 * 1024) });
    await plug(large, 'usb', 'other', sizeOf(large));
    expect(await refusal()).toMatch(/has 307200 bytes, at most 262144 are read/);
  });

  it("for a damaged FAT on the medium; somebody else's damaged stick is only mentioned", async () => {
    const broken = await fat(40 * MIB, 'BULKHEAD', { 'config.yaml': 'site_id: a\n' });
    // Bytes per sector of zero: still recognised as FAT, and not readable as such.
    await runOrThrow(run, 'dd', [
      'if=/dev/zero',
      `of=${broken}`,
      'bs=1',
      'seek=11',
      'count=2',
      'conv=notrunc',
      'status=none',
    ]);
    await plug(broken, 'usb', 'medium', sizeOf(broken));
    expect(await refusal()).toMatch(/INSTALL_CONFIG_UNREADABLE: the FAT file system on .* cannot be listed/);
  });
});

describe('an automatic installation decides', () => {
  const LISTED = { vendor: 'HP', product: 'HP t640 Thin Client' };
  let target: LoopDisk;
  const decide = async (change: Partial<InstallRequest> = {}) => {
    const fx = effects();
    const request = labRequest(lab, '', {
      automatic: true,
      live: true,
      machine: LISTED,
      wishes: {},
      ...change,
    });
    const job = await install(request, fx, { dryRun: true, next: '' });
    return job;
  };

  beforeEach(async () => {
    const stick = await fat(40 * MIB, 'BULKHEAD', { 'config.yaml': 'the text' });
    await plug(stick, 'usb', 'medium', sizeOf(stick));
    target = await plug(join(lab.folder, `target-${crypto.randomUUID()}`), 'ata', 'other', EIGHT_GB);
  });

  it('by the configuration on the stick: its target is taken and its text is installed', async () => {
    const seen: string[] = [];
    const job = await decide({
      readConfig: (text) => {
        seen.push(text);
        return { ...DEFAULT_WISHES, target: target.path };
      },
    });
    expect(seen).toEqual(['the text']);
    expect([job.path, job.config?.text]).toEqual([target.path, 'the text']);
  });

  it('against a configuration that is refused, before anything else', async () => {
    const readConfig = () => {
      throw new BulkheadError('INSTALL_CONFIG_INVALID', 'line 3: no');
    };
    await expect(decide({ readConfig })).rejects.toThrow('line 3: no');
  });

  it('against a machine that is not listed, unless configuration or command line say any', async () => {
    const machine = { vendor: 'Dell Inc.', product: 'OptiPlex' };
    const readConfig = () => ({ ...DEFAULT_WISHES, target: target.path });
    await expect(decide({ machine, readConfig })).rejects.toMatchObject({ code: 'INSTALL_HARDWARE_REFUSED' });
    const any = () => ({ ...DEFAULT_WISHES, target: target.path, hardware: 'any' as const });
    expect((await decide({ machine, readConfig: any })).path).toBe(target.path);
    put('proc/cmdline', 'quiet bulkhead.hardware=any');
    expect((await decide({ machine, readConfig })).path).toBe(target.path);
  });

  it('by the kernel command line before the configuration', async () => {
    put('proc/cmdline', `bulkhead.target=${target.path}`);
    const job = await decide({ readConfig: () => ({ ...DEFAULT_WISHES, target: '/dev/sdx' }) });
    expect(job.path).toBe(target.path);
  });

  it('never for the medium, even when told so', async () => {
    const medium = attached[0]?.path ?? '';
    const failing = decide({ readConfig: () => ({ ...DEFAULT_WISHES, target: medium }) });
    await expect(failing).rejects.toThrow(/the medium this system runs from/);
  });

  it('against a finished installation, unless told to reinstall or to keep the identity', async () => {
    await install(labRequest(lab, target.path), labEffects(lab), { dryRun: false, next: '' });
    const wish = (more: Partial<typeof DEFAULT_WISHES>) => ({
      readConfig: () => ({ ...DEFAULT_WISHES, target: target.path, ...more }),
    });
    await expect(decide(wish({}))).rejects.toThrow(
      /already carries a finished installation \(version 1.2.3\)/,
    );
    expect((await decide(wish({ reinstall: true }))).path).toBe(target.path);
    expect((await decide(wish({ keepIdentity: true }))).keepIdentity).toBe(true);
    put('proc/cmdline', 'bulkhead.reinstall=1');
    expect((await decide(wish({}))).path).toBe(target.path);
  });
});

it('the medium comes first, other sticks next, internal disks and made-up devices never', () => {
  const base = { kind: 'disk', size_bytes: 1e9, mounts: [] as string[] };
  const disks = [
    { ...base, name: 'sda', transport: 'sata' },
    { ...base, name: 'sdb', transport: 'usb' },
    { ...base, name: 'sr0', transport: 'sata', kind: 'optical', mounts: ['/run/media'] },
    { ...base, name: 'loop1', transport: 'virtual', kind: 'loop', mounts: ['/run/media'] },
    { ...base, name: 'sdc', transport: 'usb', size_bytes: 0 },
  ] as unknown as ReturnType<typeof listDisks>;
  expect(configPlaces(disks).map((disk) => disk.name)).toEqual(['sr0', 'sdb']);
});
