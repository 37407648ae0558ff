import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, runOrThrow } from '../base/run.ts';
import { formatBytes } from '../base/text.ts';
import { type DiskLayout, PARTITION_ROLES, partitionPath, planLayout } from './layout.ts';
import { assertTableIsPlan, readGpt } from './layout-gpt.ts';
import {
  DATA_MIN_BYTES,
  ESP_LARGE_SECTOR_BYTES,
  MIB_BYTES,
  PARTITION_ALIGN_BYTES,
  SLOT_MIN_BYTES,
  SLOT_SHARE_EIGHTHS,
  SLOT_TARGET_BYTES,
  TABLE_RESERVE_BYTES,
} from './layout-limits.ts';
import { newLayoutIds, renderSfdiskScript } from './layout-sfdisk.ts';

const IMAGE_BYTES = 220 * MIB_BYTES;
const IDS = {
  disk: '11111111-0000-4000-8000-000000000000',
  esp: '11111111-0000-4000-8000-000000000001',
  A: '11111111-0000-4000-8000-00000000000a',
  B: '11111111-0000-4000-8000-00000000000b',
  data: '11111111-0000-4000-8000-00000000000d',
};

const uuid = () => crypto.randomUUID();

const sizes = (layout: DiskLayout) =>
  PARTITION_ROLES.map((role) => `${role} ${formatBytes(layout.partitions[role].size_bytes)}`).join('  ');

describe('the sizes of the partitions', () => {
  it('follow the disk, from the smallest eMMC to a large SSD', () => {
    const disks_bytes = [8e9, 15_931_539_456, 32e9, 64e9, 256e9, 2e12];
    const table = disks_bytes.map(
      (size) => `${formatBytes(size)}: ${sizes(planLayout(size, 512, IMAGE_BYTES))}`,
    );
    expect(table).toEqual([
      '7.5 GiB: esp 256.0 MiB  A 2.7 GiB  B 2.7 GiB  data 1.8 GiB',
      '14.8 GiB: esp 256.0 MiB  A 5.5 GiB  B 5.5 GiB  data 3.6 GiB',
      '29.8 GiB: esp 256.0 MiB  A 10.0 GiB  B 10.0 GiB  data 9.5 GiB',
      '59.6 GiB: esp 256.0 MiB  A 10.0 GiB  B 10.0 GiB  data 39.4 GiB',
      '238.4 GiB: esp 256.0 MiB  A 10.0 GiB  B 10.0 GiB  data 218.2 GiB',
      '1.8 TiB: esp 256.0 MiB  A 10.0 GiB  B 10.0 GiB  data 1.8 TiB',
    ]);
  });

  it('make room for twice the image, at the cost of the data partition', () => {
    const layout = planLayout(8e9, 512, 1500 * MIB_BYTES);
    expect(layout.partitions.A.size_bytes).toBe(3000 * MIB_BYTES);
    expect(layout.partitions.data.size_bytes).toBeGreaterThanOrEqual(DATA_MIN_BYTES);
  });

  it('are refused with numbers when the disk is too small for the image', () => {
    expect(() => planLayout(8e9, 512, 2048 * MIB_BYTES)).toThrow(
      /the disk has 7.5 GiB; this image \(2.0 GiB\) needs 9.3 GiB: two slots of 4.0 GiB, 1.0 GiB of data/,
    );
    expect(() => planLayout(2e9, 512, IMAGE_BYTES)).toThrow(/needs 3.3 GiB/);
    expect(() => planLayout(0, 512, IMAGE_BYTES)).toThrow(/LAYOUT|needs/);
  });

  it('are refused for a sector size that no disk has', () => {
    expect(() => planLayout(8e9, 520, IMAGE_BYTES)).toThrow('the disk has sectors of 520 bytes');
  });

  it('name as needed exactly the size from which a disk is accepted', () => {
    for (const sector of [512, 4096]) {
      for (const image of [IMAGE_BYTES, 700 * MIB_BYTES + 4096, 3000 * MIB_BYTES]) {
        let low = 0;
        let high = 1e12;
        while (high - low > 1) {
          const middle = Math.floor((low + high) / 2);
          if (accepts(middle, sector, image)) high = middle;
          else low = middle;
        }
        const message = accepts(low, sector, image) ? '' : refusal(low, sector, image);
        expect(message).toContain(`needs ${formatBytes(high)}:`);
      }
    }
  });

  it('keep FAT32 possible with large sectors: 65,525 clusters and more fit', () => {
    const layout = planLayout(16e9, 4096, IMAGE_BYTES);
    expect(layout.partitions.esp.size_bytes).toBe(ESP_LARGE_SECTOR_BYTES);
    // 32 reserved sectors and two FATs of 4 bytes a cluster.
    const sectors = layout.partitions.esp.size_bytes / 4096;
    expect(sectors - 32 - 2 * Math.ceil((sectors * 4) / 4096)).toBeGreaterThan(65_525);
  });

  it('hold the relations their limits promise', () => {
    expect(SLOT_TARGET_BYTES).toBeGreaterThanOrEqual(SLOT_MIN_BYTES);
    expect(2 * SLOT_SHARE_EIGHTHS).toBeLessThan(8);
    expect(TABLE_RESERVE_BYTES % PARTITION_ALIGN_BYTES).toBe(0);
    // Primary and backup table: two headers and 32 sectors of 512 or 4 of 4096 bytes.
    expect(TABLE_RESERVE_BYTES).toBeGreaterThanOrEqual(34 * 512);
    expect(TABLE_RESERVE_BYTES).toBeGreaterThanOrEqual(6 * 4096);
  });
});

const disk = fc.record({
  size: fc.integer({ min: 7_000_000, max: 4e12 / 512 }).map((sectors) => sectors * 512),
  sector: fc.constantFrom(512, 4096),
  image: fc.integer({ min: 1, max: 300 * 1024 }).map((blocks) => blocks * 4096),
});

describe('every layout', () => {
  it('is aligned, without overlaps, inside the disk, with slots alike and never below their minimum', () => {
    fc.assert(
      fc.property(disk, ({ size, sector, image }) => {
        fc.pre(accepts(size, sector, image));
        const { partitions } = planLayout(size, sector, image);
        let end = TABLE_RESERVE_BYTES;
        for (const role of PARTITION_ROLES) {
          const { start_bytes, size_bytes } = partitions[role];
          expect(start_bytes % PARTITION_ALIGN_BYTES).toBe(0);
          expect(size_bytes % PARTITION_ALIGN_BYTES).toBe(0);
          expect(start_bytes).toBeGreaterThanOrEqual(end);
          end = start_bytes + size_bytes;
        }
        expect(end).toBeLessThanOrEqual(size - TABLE_RESERVE_BYTES);
        expect(partitions.A.size_bytes).toBe(partitions.B.size_bytes);
        expect(partitions.A.size_bytes).toBeGreaterThanOrEqual(Math.max(SLOT_MIN_BYTES, 2 * image));
        expect(partitions.data.size_bytes).toBeGreaterThanOrEqual(DATA_MIN_BYTES);
      }),
    );
  });

  it('never shrinks a partition when the disk grows', () => {
    fc.assert(
      fc.property(disk, fc.integer({ min: 0, max: 64e9 / 512 }), ({ size, sector, image }, more) => {
        fc.pre(accepts(size, sector, image));
        const small = planLayout(size, sector, image).partitions;
        const large = planLayout(size + more * 512, sector, image).partitions;
        for (const role of PARTITION_ROLES) {
          expect(large[role].size_bytes).toBeGreaterThanOrEqual(small[role].size_bytes);
        }
      }),
    );
  });
});

describe('the script for sfdisk', () => {
  it('says everything: identifiers, types, names, places in sectors', () => {
    expect(renderSfdiskScript(planLayout(8e9, 512, IMAGE_BYTES), IDS)).toBe(`label: gpt
label-id: 11111111-0000-4000-8000-000000000000
unit: sectors
first-lba: 2048

start=2048, size=524288, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=11111111-0000-4000-8000-000000000001, name="ESP"
start=526336, size=5658624, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, uuid=11111111-0000-4000-8000-00000000000a, name="root-a", attrs="GUID:60,63"
start=6184960, size=5658624, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, uuid=11111111-0000-4000-8000-00000000000b, name="root-b", attrs="GUID:60,63"
start=11843584, size=3772416, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=11111111-0000-4000-8000-00000000000d, name="MSP-DATA"
`);
  });

  it('gives every installation identifiers of its own', () => {
    const [one, other] = [newLayoutIds(uuid), newLayoutIds(uuid)];
    expect(new Set([...Object.values(one), ...Object.values(other)]).size).toBe(10);
  });
});

describe('the table that sfdisk writes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-layout-'));
  const image = join(folder, 'disk');
  const layout = planLayout(8e9, 512, IMAGE_BYTES);
  const read = async (offset: number, size: number) =>
    new Uint8Array(
      await Bun.file(image)
        .slice(offset, offset + size)
        .arrayBuffer(),
    );
  const lastSector = 8e9 / 512 - 1;

  beforeAll(async () => {
    writeFileSync(image, '');
    truncateSync(image, 8e9);
    await runOrThrow(run, 'sfdisk', ['--quiet', image], { input: renderSfdiskScript(layout, IDS) });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is the plan, in front and behind, as our own reader sees it', async () => {
    assertTableIsPlan(await readGpt(read, 512, 1), layout, IDS, 'primary');
    assertTableIsPlan(await readGpt(read, 512, lastSector), layout, IDS, 'backup');
  });

  it('is the plan as sfdisk itself sees it', async () => {
    const { partitiontable } = JSON.parse(await runOrThrow(run, 'sfdisk', ['--json', image]));
    expect(
      partitiontable.partitions.map((row: Record<string, unknown>) => [
        row['name'],
        row['start'],
        row['size'],
      ]),
    ).toEqual(
      PARTITION_ROLES.map((role) => {
        const { label, start_bytes, size_bytes } = layout.partitions[role];
        return [label, start_bytes / 512, size_bytes / 512];
      }),
    );
  });

  it('is not believed when a single bit of it is wrong', async () => {
    const bytes = await read(0, 34 * 512);
    for (const at of [512, 512 + 24, 512 + 80, 1024, 1024 + 56, 1024 + 3 * 128 + 40]) {
      const damaged = Uint8Array.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      const table = await readGpt(async (offset, size) => damaged.slice(offset, offset + size), 512, 1);
      expect(table, `bit at ${at}`).toBeUndefined();
    }
  });

  it('is told apart from another plan, with the difference named', async () => {
    const table = await readGpt(read, 512, 1);
    expect(() => assertTableIsPlan(table, planLayout(9e9, 512, IMAGE_BYTES), IDS, 'primary')).toThrow(
      /the primary partition table on the disk has .*root-a/,
    );
    expect(() => assertTableIsPlan(table, layout, { ...IDS, disk: 'x' }, 'primary')).toThrow(
      'has identifier',
    );
    expect(() => assertTableIsPlan(table, layout, { ...IDS, B: 'x' }, 'backup')).toThrow('root-b');
    expect(() => assertTableIsPlan(undefined, layout, IDS, 'backup')).toThrow(
      'backup partition table on the disk is missing',
    );
  });
});

it('a partition is called as the kernel calls it', () => {
  expect(partitionPath('/dev/sda', 2)).toBe('/dev/sda2');
  expect(partitionPath('/dev/nvme0n1', 2)).toBe('/dev/nvme0n1p2');
  expect(partitionPath('/dev/mmcblk0', 4)).toBe('/dev/mmcblk0p4');
});

function accepts(size: number, sector: number, image: number): boolean {
  return refusal(size, sector, image) === '';
}

function refusal(size: number, sector: number, image: number): string {
  try {
    planLayout(size, sector, image);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}
