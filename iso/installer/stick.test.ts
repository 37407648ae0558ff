import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BulkheadError } from '../../base/errors.ts';
import { run, runOrThrow } from '../../base/run.ts';
import { listDisks } from '../../partitions/disks.ts';
import { type Lab, makeLab } from './loop-lab.ts';
import { configPlaces, findStickConfig } from './stick-config.ts';
import { MIB, StickLab } from './stick-lab.ts';

let lab: Lab;
let sticks: StickLab;
beforeAll(async () => {
  lab = await makeLab();
});
afterAll(() => lab.remove());
beforeEach(() => {
  sticks = new StickLab(lab);
});
afterEach(() => sticks.remove());

const find = () => {
  const effects = sticks.effects();
  return findStickConfig(listDisks(effects.kernel), effects);
};

describe('config.yaml is found', () => {
  it('on the hybrid image, as a USB stick and as a CD with sectors of 2048 bytes', async () => {
    for (const sector of [512, 2048]) {
      const iso = await sticks.hybrid({ 'config.yaml': 'site_id: a\n', 'README.TXT': 'x' });
      const medium = await sticks.plug(iso, 'usb', 'medium', undefined, sector);
      expect(await find()).toEqual({
        text: 'site_id: a\n',
        source: `${medium.path} (BULKHEAD): config.yaml`,
      });
      await sticks.unplug(medium);
    }
  });

  it('on another stick: whole device, GPT or MBR partition, in capitals from DOS, beside other files', async () => {
    const volume = await sticks.fat('MYSTICK', { 'CONFIG.YAML': 'site_id: b\n', 'photo.jpg': 'x' });
    for (const stick of [
      volume,
      await sticks.partitioned('gpt', volume),
      await sticks.partitioned('dos', volume),
    ]) {
      const disk = await sticks.plug(stick, 'usb', 'other');
      expect((await find())?.text).toBe('site_id: b\n');
      await sticks.unplug(disk);
    }
  });

  it('on the medium rather than on another stick', async () => {
    const medium = await sticks.fat('BULKHEAD', { 'config.yaml': 'site_id: medium\n' });
    const other = await sticks.fat('OTHER', { 'config.yaml': 'site_id: other\n' });
    await sticks.plug(other, 'usb', 'other');
    await sticks.plug(medium, 'usb', 'medium');
    expect((await find())?.text).toBe('site_id: medium\n');
  });
});

describe('there is no configuration', () => {
  it('without sticks, on a stick without the file, on a stick that is not FAT, on an internal disk', async () => {
    expect(await find()).toBeNull();
    const empty = await sticks.fat('EMPTY', { 'photo.jpg': 'x' });
    await sticks.plug(empty, 'usb', 'other');
    await sticks.plug(join(lab.folder, 'blank'), 'usb', 'other', 64 * MIB);
    const inside = await sticks.fat('INSIDE', { 'config.yaml': 'site_id: inside\n' });
    await sticks.plug(inside, 'ata', 'other');
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
    const stick = await sticks.fat('WINDOWS', { 'config.yaml.txt': 'site_id: a\n' });
    const { path } = await sticks.plug(stick, 'usb', 'other');
    expect(await refusal()).toBe(
      `INSTALL_CONFIG_INVALID: ${path} (WINDOWS) has a 'config.yaml.txt', which is not read`,
    );
  });

  it('for two sticks that both carry one', async () => {
    for (const label of ['ONE', 'TWO']) {
      const stick = await sticks.fat(label, { 'config.yaml': 'site_id: a\n' });
      await sticks.plug(stick, 'usb', 'other');
    }
    expect(await refusal()).toMatch(/INSTALL_CONFIG_INVALID: there is more than one config.yaml: .*ONE.*TWO/);
  });

  it('for text that is not UTF-8 and for a file that is no configuration by its size', async () => {
    const latin = await sticks.fat('LATIN', { 'config.yaml': Uint8Array.of(0x61, 0xe4, 0x0a) });
    const disk = await sticks.plug(latin, 'usb', 'other');
    expect(await refusal()).toMatch(/is not UTF-8 text/);
    await sticks.unplug(disk);
    const large = await sticks.fat('LARGE', { 'config.yaml': new Uint8Array(300 * 1024) });
    await sticks.plug(large, 'usb', 'other');
    expect(await refusal()).toMatch(/has 307200 bytes, at most 262144 are read/);
  });

  it("for a damaged FAT on the medium; somebody else's damaged stick is only mentioned", async () => {
    const broken = await sticks.fat('BULKHEAD', { 'config.yaml': 'site_id: a\n' });
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
    await sticks.plug(broken, 'usb', 'medium');
    expect(await refusal()).toMatch(/INSTALL_CONFIG_UNREADABLE: the FAT file system on .* cannot be listed/);
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
