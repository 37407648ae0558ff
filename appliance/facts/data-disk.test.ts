import { statfsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findReadOnly, readDataDisk } from './data-disk.ts';

const line = (mountPoint: string, mountOptions: string, superOptions: string) =>
  `36 35 254:0 / ${mountPoint} ${mountOptions} shared:1 - ext4 /dev/vda4 ${superOptions}\n`;

test('a folder on which nothing is mounted is no data disk, whatever lies underneath', () => {
  expect(readDataDisk('/proc', '/var/lib')).toEqual({ total_bytes: null, used_bytes: null, readOnly: null });
});

test('a mounted one has the numbers of statfs(2)', () => {
  const { bsize, blocks } = statfsSync('/');
  const found = readDataDisk('/proc', '/');
  expect(found.total_bytes).toBe(blocks * bsize);
  expect(found.used_bytes).toBeGreaterThan(0);
  expect(found.used_bytes).toBeLessThanOrEqual(blocks * bsize);
  expect(found.readOnly).toBe(false);
});

test('the sandbox of the agent does not make the disk read-only, an ext4 error does', () => {
  expect(findReadOnly(line('/var/lib/msp', 'ro,nosuid', 'rw,errors=remount-ro'), '/var/lib/msp')).toBe(false);
  expect(findReadOnly(line('/var/lib/msp', 'rw,nosuid', 'ro,errors=remount-ro'), '/var/lib/msp')).toBe(true);
  expect(findReadOnly(line('/var/lib', 'rw', 'rw'), '/var/lib/msp')).toBeNull();
});

test('the mount that covers the others counts', () => {
  const text = line('/var/lib/msp', 'rw', 'rw') + line('/var/lib/msp', 'rw', 'ro');
  expect(findReadOnly(text, '/var/lib/msp')).toBe(true);
});
