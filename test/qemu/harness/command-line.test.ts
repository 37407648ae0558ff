import { expect, test } from 'vitest';
import { runsGuestCode } from './accelerator.ts';
import { type AttachedDisk, qemuArguments, type RunFiles } from './command-line.ts';
import type { BootDevice, DiskBus, MachineOptions } from './options.ts';

function disk(id: BootDevice, bus: DiskBus): AttachedDisk {
  return { id, bus, path: `/disks/${id}, really`, format: 'raw', serial: id };
}

function line(options: Partial<MachineOptions>, files: Partial<RunFiles> = {}): string {
  const complete = { accelerators: ['tcg'], disks: [], forwards: {}, qmpSocket: '/run/qmp', ...files };
  return qemuArguments({ name: 'm', ...options }, complete).join(' ');
}

test('disks start in their order, unless bootFrom names another; the rest does not start', () => {
  const disks = [disk('usb-stick', 'usb'), disk('disk0', 'virtio'), disk('disk1', 'sata')];
  const natural = line({}, { disks });
  expect(natural).toContain('drive=usb-stick,bootindex=1');
  expect(natural).toContain('drive=disk1,bootindex=3');
  const chosen = line({ bootFrom: ['disk1', 'usb-stick'] }, { disks });
  expect(chosen).toContain('drive=disk1,bootindex=1');
  expect(chosen).toContain('virtio-blk-pci,drive=disk0,serial=');
  expect(() => line({ bootFrom: ['cdrom'] }, { disks })).toThrow(/'cdrom', which is not attached/);
});

test('commas in paths and names do not end an option', () => {
  expect(line({}, { disks: [disk('disk0', 'virtio')] })).toContain('file=/disks/disk0,, really');
  expect(line({ smbios: { product: 'HP t640, Thin Client' } })).toContain(
    'type=1,product=HP t640,, Thin Client',
  );
});

test('a log of writes sits above the file and hears every flush; only virtio can have one', () => {
  const args = line({}, { disks: [{ ...disk('disk0', 'virtio'), logWrites: '/logs/writes' }] });
  const node = JSON.parse(/-blockdev (\{.*\}) -device/.exec(args)?.[1] ?? '{}') as Record<string, unknown>;
  expect(node).toMatchObject({
    driver: 'blklogwrites',
    'node-name': 'disk0',
    log: { filename: '/logs/writes' },
  });
  expect(node).not.toHaveProperty('cache');
  expect(args).toContain('drive=disk0,bootindex=1,serial=disk0,write-zeroes=off');
  const sata = { ...disk('disk0', 'sata'), logWrites: '/logs/writes' };
  expect(() => line({}, { disks: [sata] })).toThrow(/sata disk cannot be logged/);
});

test('every SATA device has a port of its own', () => {
  const disks = [disk('cdrom', 'sata'), disk('disk0', 'sata'), disk('disk1', 'sata')];
  const args = line({}, { disks });
  expect(args).toContain('ide-cd,bus=ide.0,drive=cdrom');
  expect(args).toContain('ide-hd,bus=ide.1,drive=disk0');
  expect(args).toContain('ide-hd,bus=ide.2,drive=disk1');
});

test('the network is closed, captured or absent as wanted, and forwards bind to this computer only', () => {
  expect(line({ network: 'none' })).toContain('-nic none');
  const args = line({ network: { restrict: true, capture: '/x.pcap' } }, { forwards: { 80: 1234 } });
  expect(args).toContain('restrict=on,hostfwd=tcp:127.0.0.1:1234-:80');
  const served = line({ network: { servers: { '10.0.2.100:443': 'hello' } } });
  expect(served).toContain(',guestfwd=tcp:10.0.2.100:443-cmd:echo hello -device');
  expect(args).toContain('filter-dump,id=capture0,netdev=net0,file=/x.pcap');
});

test('a kernel started directly needs no firmware', () => {
  const args = line({ firmware: { kernel: '/k', initrd: '/i', append: 'quiet x' } });
  expect(args).toContain('-kernel /k -append quiet x -initrd /i');
  expect(args).not.toContain('pflash');
});

test('clock, watchdog and saved state', () => {
  const args = line({ rtcBase: '2011-01-01T00:00:00', watchdog: 'i6300esb' }, { incoming: '/saved/memory' });
  expect(args).toContain('-rtc base=2011-01-01T00:00:00');
  expect(args).toContain('-device i6300esb -action watchdog=reset');
  expect(args).toContain("-incoming exec:cat '/saved/memory'");
  expect(line({}, { incoming: "/o'brien/memory" })).toContain("exec:cat '/o'\\''brien/memory'");
});

test('an accelerator counts as working only when it runs guest code', async () => {
  expect(await runsGuestCode('tcg')).toBe(true);
  expect(await runsGuestCode('no-such-accelerator')).toBe(false);
});
