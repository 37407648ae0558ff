import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Disk } from './disks.ts';
import { chooseTarget, LIVE_MEDIUM_MOUNT, parseTargetWish, renderChoice } from './target.ts';

function disk(name: string, change: Partial<Disk> = {}): Disk {
  return {
    name,
    kind: 'disk',
    transport: 'sata',
    size_bytes: 128e9,
    sector_bytes: 512,
    removable: false,
    readOnly: false,
    model: 'A disk',
    serial: null,
    partitions: [],
    holders: [],
    mounts: [],
    ...change,
  };
}

const STICK = disk('sdb', {
  transport: 'usb',
  size_bytes: 31e9,
  removable: true,
  model: 'Ultra Fit',
  mounts: [LIVE_MEDIUM_MOUNT, '/run/media-slot', '/'],
});
const EMMC = disk('mmcblk0', {
  transport: 'mmc',
  size_bytes: 15_758_000_128,
  removable: true,
  model: 'DG4016',
  serial: '0x1a2b3c4d',
});
const SSD = disk('sda', { model: 'TS128GMTS430S', serial: 'G12345' });
const NVME = disk('nvme0n1', { transport: 'nvme', size_bytes: 256e9, serial: 'S65B NX0R' });

const choose = (disks: Disk[], wish?: string) =>
  renderChoice(chooseTarget(disks, wish === undefined ? null : parseTargetWish(wish)));
const chosen = (disks: Disk[], wish?: string) =>
  chooseTarget(disks, wish === undefined ? null : parseTargetWish(wish)).target?.name;

describe('what a technician reads', () => {
  it('on a T640 with eMMC, SSD and the stick', () => {
    expect(
      choose([
        EMMC,
        disk('mmcblk0boot0', { kind: 'mmc-boot', transport: 'mmc', size_bytes: 4e6 }),
        SSD,
        STICK,
      ]),
    ).toBe(
      `target: /dev/sda
-> /dev/sda  128.0 GB  sata  TS128GMTS430S  serial G12345
      the largest of 2 disks
   /dev/sdb  31.0 GB  usb  Ultra Fit
      the medium this system runs from
   /dev/mmcblk0  15.8 GB  mmc  DG4016  serial 0x1a2b3c4d
      could be used, another came first
   /dev/mmcblk0boot0  0.0 GB  mmc  A disk
      the boot or key area of an eMMC`,
    );
  });

  it('when nothing can be used: every disk, and why not', () => {
    const disks = [
      STICK,
      disk('sdc', { transport: 'usb', size_bytes: 1e12, model: 'Backup' }),
      disk('sdd', { size_bytes: 0, model: 'Card reader' }),
      disk('sde', { size_bytes: 7_999_999_999 }),
      disk('sdf', { readOnly: true }),
      disk('sdg', { mounts: ['/srv', 'swap'] }),
      disk('sdh', { holders: ['md127'] }),
      disk('sr0', { kind: 'optical', size_bytes: 7e8, model: 'DVD' }),
      disk('zram0', { kind: 'zram', transport: 'virtual', size_bytes: 2e9, model: null }),
      disk('loop3', { kind: 'loop', transport: 'virtual', size_bytes: 0 }),
    ];
    expect(choose(disks)).toBe(`no target: no disk of this machine can be used
   /dev/sdc  1000.0 GB  usb  Backup
      attached by USB, and not asked for by name
   /dev/sdf  128.0 GB  sata  A disk
      read-only
   /dev/sdg  128.0 GB  sata  A disk
      in use: /srv, swap
   /dev/sdh  128.0 GB  sata  A disk
      in use by md127
   /dev/sdb  31.0 GB  usb  Ultra Fit
      the medium this system runs from
   /dev/sde  8.0 GB  sata  A disk
      too small: 7,999,999,999 bytes, at least 8,000,000,000 are needed
   /dev/zram0  2.0 GB  virtual  no model name
      compressed memory
   /dev/sr0  0.7 GB  sata  DVD
      an optical drive
   /dev/sdd  0.0 GB  sata  Card reader
      empty: no medium in the reader`);
  });

  it('when the machine has no disk at all', () => {
    expect(choose([])).toBe('no target: no disk of this machine can be used\n   no disk was found at all');
  });

  it('when the disk that was asked for cannot be used', () => {
    expect(choose([SSD, STICK], '/dev/sdb')).toBe(`no target: /dev/sdb cannot be used
   /dev/sda  128.0 GB  sata  TS128GMTS430S  serial G12345
      not what was asked for (/dev/sdb)
   /dev/sdb  31.0 GB  usb  Ultra Fit
      the medium this system runs from`);
  });

  it('when a partition was asked for', () => {
    expect(choose([NVME], '/dev/nvme0n1p2')).toContain('if it is a partition, name its whole disk');
    expect(choose([SSD], 'sda1')).toContain('if it is a partition, name its whole disk');
    expect(choose([SSD], 'sdq')).toContain('there is no disk that fits /dev/sdq');
  });
});

describe('the choice', () => {
  it('takes the largest disk whatever the kernel says about being removable', () => {
    expect(chosen([EMMC, STICK])).toBe('mmcblk0');
    expect(chosen([EMMC, SSD, NVME, STICK])).toBe('nvme0n1');
  });

  it('takes the faster bus among equals, then the name in its natural order', () => {
    const equals = ['sdb', 'sda'].map((name) => disk(name));
    expect(
      chosen([...equals, disk('vda', { transport: 'virtio' }), disk('nvme1n1', { transport: 'nvme' })]),
    ).toBe('nvme1n1');
    expect(chosen([disk('vda', { transport: 'virtio' }), disk('mmcblk1', { transport: 'mmc' })])).toBe(
      'mmcblk1',
    );
    expect(chosen([disk('nvme10n1'), disk('nvme9n1')])).toBe('nvme9n1');
    expect(chosen(equals)).toBe('sda');
  });

  it('follows a wish by name, serial number, by-id name, bus or size', () => {
    const all = [EMMC, SSD, NVME, STICK];
    expect(chosen(all, '/dev/mmcblk0')).toBe('mmcblk0');
    expect(chosen(all, 'mmcblk0')).toBe('mmcblk0');
    expect(chosen(all, 'serial:g12345')).toBe('sda');
    expect(chosen(all, '/dev/disk/by-id/ata-TS128GMTS430S_G12345')).toBe('sda');
    expect(chosen(all, '/dev/disk/by-id/nvme-SAMSUNG_S65B_NX0R_1')).toBe('nvme0n1');
    expect(chosen(all, '/dev/disk/by-id/mmc-DG4016_0x1a2b3c4d')).toBe('mmcblk0');
    expect(chosen(all, 'mmc')).toBe('mmcblk0');
    expect(chosen(all, 'smallest')).toBe('mmcblk0');
    expect(chosen(all, 'largest')).toBe('nvme0n1');
  });

  it('takes a USB disk or a loop device only when it is asked for', () => {
    const usb = disk('sdc', { transport: 'usb', size_bytes: 1e12 });
    const loop = disk('loop5', { kind: 'loop', transport: 'virtual' });
    expect(chosen([usb, loop])).toBeUndefined();
    expect(chosen([usb, loop], 'usb')).toBe('sdc');
    expect(chosen([usb, loop], 'sdc')).toBe('sdc');
    expect(chosen([usb, loop], '/dev/loop5')).toBe('loop5');
    expect(chosen([usb, loop], 'largest')).toBeUndefined();
  });

  it('refuses to guess between two disks with one serial number', () => {
    const choice = chooseTarget(
      [disk('sda', { serial: 'X123' }), disk('sdb', { serial: 'X123' })],
      parseTargetWish('serial:X123'),
    );
    expect(choice.target).toBeNull();
    expect(choice.reason).toBe('serial:X123 fits more than one disk: sda, sdb');
  });

  it('never takes what is in use, read-only, too small or no disk, whatever the wish', () => {
    const anyDisk = fc.record({
      name: fc.constantFrom('sda', 'nvme0n1', 'mmcblk0', 'loop1', 'sr0', 'dm-0'),
      kind: fc.constantFrom<Disk['kind']>('disk', 'loop', 'optical', 'mapped', 'mmc-boot', 'zram'),
      transport: fc.constantFrom<Disk['transport']>('nvme', 'sata', 'mmc', 'usb', 'virtual'),
      size_bytes: fc.constantFrom(0, 7e9, 8e9, 64e9),
      readOnly: fc.boolean(),
      holders: fc.constantFrom<string[]>([], ['dm-0']),
      mounts: fc.constantFrom<string[]>([], ['/x'], [LIVE_MEDIUM_MOUNT]),
      serial: fc.constantFrom(null, 'S1234'),
    });
    const anyWish = fc.constantFrom(undefined, 'sda', 'loop1', 'serial:S1234', 'usb', 'nvme', 'smallest');
    fc.assert(
      fc.property(fc.array(anyDisk, { maxLength: 6 }), anyWish, (rows, wish) => {
        const disks = rows.map((row) => disk(row.name, row));
        const choice = chooseTarget(disks, wish === undefined ? null : parseTargetWish(wish));
        const { target } = choice;
        if (!target) return;
        expect(target.mounts).toEqual([]);
        expect(target.holders).toEqual([]);
        expect(target.readOnly).toBe(false);
        expect(target.size_bytes).toBeGreaterThanOrEqual(8e9);
        expect(['disk', 'loop']).toContain(target.kind);
        if (wish === undefined) expect([target.kind, target.transport === 'usb']).toEqual(['disk', false]);
      }),
    );
  });
});

it('a wish that names nothing is an error that says what can be written', () => {
  for (const text of [
    '',
    '/dev/../etc',
    'serial:',
    'SDA',
    '/dev/sda;reboot',
    '/dev/disk/by-path/pci-1',
    'a b',
  ]) {
    expect(() => parseTargetWish(text), text).toThrow('names no disk');
  }
});
