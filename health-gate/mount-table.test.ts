import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { LabMachine } from './lab/machine.ts';
import { deviceNumber, findMount, parseMountInfo } from './mount-table.ts';
import { findMountedSlot } from './mounted-slot.ts';

const machine = new LabMachine();
afterAll(() => machine.remove());

test('reads the mounts of this system: every line is understood, and the root is among them', () => {
  const text = readFileSync('/proc/self/mountinfo', 'utf8');
  const mounts = parseMountInfo(text);
  expect(mounts).toHaveLength(text.trimEnd().split('\n').length);
  expect(mounts.some((mount) => mount.mountPoint === '/')).toBe(true);
});

test('the last mount at a place is the one that is seen', async () => {
  machine.write(
    'proc/self/mountinfo',
    [
      '21 1 253:0 / / ro,relatime - erofs /dev/dm-0 ro',
      '30 21 254:4 / /var/lib/msp rw,nosuid shared:7 master:2 - ext4 /dev/vda4 rw,errors=remount-ro',
      '31 21 0:44 / /var/lib/msp rw - tmpfs tmpfs rw',
    ].join('\n'),
  );
  expect(await findMount(machine.at('proc'), '/var/lib/msp')).toMatchObject({
    fileSystem: 'tmpfs',
    device: '0:44',
  });
});

test('a file system that turned itself read-only counts as read-only, and escapes are undone', () => {
  const [mount] = parseMountInfo('30 21 254:4 / /mnt/my\\040data rw - ext4 /dev/vda4 ro,errors=remount-ro');
  expect(mount).toEqual({
    device: '254:4',
    mountPoint: '/mnt/my data',
    fileSystem: 'ext4',
    source: '/dev/vda4',
    readOnly: true,
  });
});

test('device numbers are split as the C library does it', () => {
  expect(deviceNumber(statSync('/dev/zero').rdev)).toBe('1:5');
  // makedev(259, 300) and makedev(8, 0x12345) of glibc.
  expect(deviceNumber(0x11_03_2cn)).toBe('259:300');
  expect(deviceNumber(0x1230_0845n)).toBe('8:74565');
});

test.skipIf(process.getuid?.() !== 0)('finds the slot under the verity device of the root', async () => {
  execFileSync('mknod', [machine.at('slot-a'), 'b', '254', '2']);
  execFileSync('mknod', [machine.at('slot-b'), 'b', '254', '3']);
  machine.write('proc/self/mountinfo', '21 1 253:0 / / ro,relatime - erofs /dev/dm-0 ro\n');
  machine.write('sys/dev/block/253:0/slaves/vda3/dev', '254:3\n');
  const slots = { A: machine.at('slot-a'), B: machine.at('slot-b') };
  expect(await findMountedSlot(machine.paths, slots)).toBe('B');
  expect(await findMountedSlot(machine.paths, { ...slots, B: null })).toBeNull();
});
