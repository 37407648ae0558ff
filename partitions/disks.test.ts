import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type KernelRoots, listDisks } from './disks.ts';

/** A sysfs and procfs made of real files and links, as the kernel lays them out. */
let root: string;
let roots: KernelRoots;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bulkhead-disks-'));
  roots = { sys: join(root, 'sys'), proc: join(root, 'proc') };
  mkdirSync(join(root, 'sys/block'), { recursive: true });
  put('proc/self/mountinfo', '');
});
afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** A block device at a device path, with its files; partitions as `sda1: { dev: '8:1' }`. */
function device(devicePath: string, files: Record<string, string>): void {
  const name = devicePath.split('/').at(-1) ?? '';
  put(`sys/devices/${devicePath}/size`, '0');
  for (const [file, text] of Object.entries(files)) put(`sys/devices/${devicePath}/${file}`, `${text}\n`);
  symlinkSync(`../devices/${devicePath}`, join(root, 'sys/block', name));
}

function mounts(...rows: [device: string, point: string, source: string][]): void {
  put(
    'proc/self/mountinfo',
    rows
      .map(
        ([number, point, source], index) => `${20 + index} 1 ${number} / ${point} rw - ext4 ${source} rw\n`,
      )
      .join(''),
  );
}

const PCI = 'pci0000:00/0000:00:01.0';

describe('a disk is recognised by what sysfs says of it', () => {
  it('NVMe, SATA, eMMC, virtio, SCSI and USB, with model and serial number where there are any', () => {
    device(`${PCI}/nvme/nvme0/nvme0n1`, {
      size: '500118192',
      'queue/logical_block_size': '512',
      'device/model': 'SAMSUNG MZVLQ256HBJD',
      'device/serial': 'S65BNX0R',
    });
    device(`${PCI}/ata1/host0/target0:0:0/0:0:0:0/block/sda`, {
      size: '250069680',
      'device/model': 'TS128GMTS430S   ',
      'device/vpd_pg80': '\0\x80\0\x08G12345  ',
      'device/type': '0',
    });
    device(`${PCI}/mmc_host/mmc0/mmc0:0001/block/mmcblk0`, {
      size: '30777344',
      removable: '1',
      'device/name': 'DG4016',
      'device/serial': '0x1a2b3c4d',
    });
    device('pci0000:00/0000:00:02.0/virtio1/block/vda', { size: '16777216', serial: 'disk0' });
    device('pci0000:00/0000:00:03.0/virtio2/host1/target1:0:0/1:0:0:0/block/sdb', { size: '1' });
    device('pci0000:00/0000:00:04.0/host2/target2:0:0/2:0:0:0/block/sdc', { size: '1', ro: '1' });
    device(`${PCI}/usb2/2-1/2-1:1.0/host3/target3:0:0/3:0:0:0/block/sdd`, {
      size: '60000000',
      removable: '1',
      'queue/logical_block_size': '4096',
    });
    const seen = listDisks(roots).map(
      ({ name, transport, size_bytes, sector_bytes, removable, readOnly, model, serial }) =>
        [name, transport, size_bytes, sector_bytes, removable, readOnly, model, serial].join(' | '),
    );
    expect(seen).toEqual([
      'mmcblk0 | mmc | 15758000128 | 512 | true | false | DG4016 | 0x1a2b3c4d',
      'nvme0n1 | nvme | 256060514304 | 512 | false | false | SAMSUNG MZVLQ256HBJD | S65BNX0R',
      'sda | sata | 128035676160 | 512 | false | false | TS128GMTS430S | G12345',
      'sdb | virtio | 512 | 512 | false | false |  | ',
      'sdc | scsi | 512 | 512 | false | true |  | ',
      'sdd | usb | 30720000000 | 4096 | true | false |  | ',
      'vda | virtio | 8589934592 | 512 | false | false |  | disk0',
    ]);
  });

  it('everything that is not a disk says what it is', () => {
    device(`${PCI}/ata2/host1/target1:0:0/1:0:0:0/block/sr0`, { size: '100', 'device/type': '5' });
    device(`${PCI}/ata3/host2/target2:0:0/2:0:0:0/block/sdz`, { size: '100', 'device/type': '5' });
    const made = ['loop0', 'ram0', 'zram0', 'dm-0', 'md127', 'nbd0', 'fd0'];
    for (const name of made) device(`virtual/block/${name}`, { size: '100' });
    for (const part of ['mmcblk0boot0', 'mmcblk0rpmb', 'mmcblk0gp1']) {
      device(`${PCI}/mmc_host/mmc0/mmc0:0001/block/mmcblk0/${part}`, { size: '8192' });
    }
    expect(Object.fromEntries(listDisks(roots).map((disk) => [disk.name, disk.kind]))).toEqual({
      sr0: 'optical',
      sdz: 'optical',
      loop0: 'loop',
      ram0: 'ram',
      zram0: 'zram',
      'dm-0': 'mapped',
      md127: 'raid',
      nbd0: 'network',
      fd0: 'floppy',
      mmcblk0boot0: 'mmc-boot',
      mmcblk0rpmb: 'mmc-boot',
      mmcblk0gp1: 'mmc-boot',
    });
  });

  it('one path to an NVMe disk that hides behind another name is left out', () => {
    device(`${PCI}/nvme/nvme0/nvme0c0n1`, { size: '100', hidden: '1' });
    device('virtual/nvme-subsystem/nvme-subsys0/nvme0n1', { size: '100', hidden: '0' });
    expect(listDisks(roots).map(({ name, transport }) => [name, transport])).toEqual([['nvme0n1', 'nvme']]);
  });
});

describe('what a disk is used for', () => {
  it('is found through its partitions, device numbers first, names where there is no number', () => {
    device(`${PCI}/ata1/block/sda`, { size: '9', dev: '8:0', 'sda1/dev': '8:1', 'sda1/partition': '1' });
    device(`${PCI}/ata2/block/sdb`, { size: '9', dev: '8:16', 'sdb2/dev': '8:18', 'sdb2/partition': '2' });
    device(`${PCI}/ata3/block/sdc`, { size: '9', dev: '8:32' });
    mounts(['8:1', '/boot', '/dev/root'], ['0:31', '/srv/a\\040b', '/dev/sdb2'], ['0:5', '/dev', 'devtmpfs']);
    put('proc/swaps', 'Filename Type Size Used Priority\n/dev/sdc partition 1 0 -2\n');
    expect(listDisks(roots).map(({ name, mounts: used, partitions }) => [name, used, partitions])).toEqual([
      ['sda', ['/boot'], ['sda1']],
      ['sdb', ['/srv/a b'], ['sdb2']],
      ['sdc', ['swap'], []],
    ]);
  });

  it('is followed down: verity on a loop on a squashfs on a loop on the ISO is the stick', () => {
    device(`${PCI}/usb1/1-1/host0/block/sda`, {
      size: '9',
      dev: '8:0',
      'sda1/dev': '8:1',
      'sda1/partition': '1',
    });
    device('virtual/block/loop0', {
      size: '9',
      dev: '7:0',
      'loop/backing_file': '/run/media/bulkhead/root.squashfs',
    });
    device('virtual/block/loop1', { size: '9', dev: '7:1', 'loop/backing_file': '/run/media-slot/slot.img' });
    device('virtual/block/dm-0', { size: '9', dev: '253:0', 'slaves/loop1/dev': '7:1' });
    mounts(
      ['8:1', '/run/media', '/dev/sda1'],
      ['7:0', '/run/media-slot', '/dev/loop0'],
      ['253:0', '/', '/dev/dm-0'],
    );
    const uses = new Map(listDisks(roots).map((disk) => [disk.name, disk.mounts]));
    expect(uses.get('sda')).toEqual(['/run/media', '/run/media-slot', '/']);
    expect(uses.get('loop1')).toEqual(['/']);
  });

  it('includes every disk under a mapped device, and what is built on a disk or its partitions', () => {
    device(`${PCI}/ata1/block/sda`, {
      size: '9',
      dev: '8:0',
      'sda1/dev': '8:1',
      'sda1/partition': '1',
      'sda1/holders/dm-0/dev': '253:0',
    });
    device(`${PCI}/ata2/block/sdb`, { size: '9', dev: '8:16', 'holders/dm-0/dev': '253:0' });
    device('virtual/block/dm-0', {
      size: '9',
      dev: '253:0',
      'slaves/sda1/dev': '8:1',
      'slaves/sdb/dev': '8:16',
    });
    mounts(['253:0', '/data', '/dev/mapper/vg-data']);
    const disks = listDisks(roots).filter((disk) => disk.kind === 'disk');
    expect(disks.map(({ name, mounts: used, holders }) => [name, used, holders])).toEqual([
      ['sda', ['/data'], ['dm-0']],
      ['sdb', ['/data'], ['dm-0']],
    ]);
  });

  it('ends where two loop devices are made to contain each other', () => {
    device('virtual/block/loop0', { size: '9', dev: '7:0', 'loop/backing_file': '/b/x' });
    device('virtual/block/loop1', { size: '9', dev: '7:1', 'loop/backing_file': '/a/x' });
    mounts(['7:0', '/a', '/dev/loop0'], ['7:1', '/b', '/dev/loop1']);
    expect(listDisks(roots).map((disk) => disk.mounts.length)).toEqual([2, 2]);
  });
});

it('the disk this very machine runs from is seen as in use', () => {
  const used = listDisks().filter((disk) => disk.mounts.includes('/'));
  expect(used.length).toBeGreaterThan(0);
});

it('a machine without any disk gives an empty list', () => {
  rmSync(join(root, 'sys/block'), { recursive: true });
  expect(listDisks(roots)).toEqual([]);
});
