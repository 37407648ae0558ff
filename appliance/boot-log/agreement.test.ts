import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BOOT_RECORD_FOLDER } from '../../base/paths.ts';
import { BOOT_LOGS_MAX, BOOT_RECORD_MAX_BYTES, BOOT_RECORDS_MAX } from './limits.ts';

/** What loader, initrd, service manager and this program have to agree on, and cannot import from each other. */
const read = (path: string) => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');
const initrd = read('iso/initrd/init');
const loader = read('partitions/grub/grub.cfg');
const manager = read('iso/rootfs/usr/lib/systemd/system.conf.d/bulkhead.conf');
const numberIn = (text: string, pattern: RegExp) => Number(pattern.exec(text)?.[1]);

test('what the loader sets aside is what it tells the initrd, and holds eight records of it', () => {
  const [, from, to] = /cutmem (\d+)M (\d+)M/.exec(loader) ?? [];
  const [, first, last] = /bulkhead\.log_memory=([0-9a-f]+)-([0-9a-f]+)/.exec(loader) ?? [];
  expect(Number.parseInt(first ?? '', 16)).toBe(Number(from) * 1024 ** 2);
  expect(Number.parseInt(last ?? '', 16)).toBe(Number(to) * 1024 ** 2 - 1);
  const record_bytes = numberIn(initrd, /LOG_RECORD_BYTES=(\d+)/);
  expect((Number(to) - Number(from)) * 1024 ** 2).toBe(8 * record_bytes);
  expect(record_bytes).toBeLessThan(BOOT_RECORD_MAX_BYTES);
});

test('the initrd puts no more records where this program looks for them than it takes', () => {
  expect(initrd).toContain(`kept=/newroot${BOOT_RECORD_FOLDER}\n`);
  const kept = numberIn(initrd, /LOG_RECORDS_MAX=(\d+)/);
  expect(kept).toBeGreaterThanOrEqual(BOOT_LOGS_MAX);
  // The kernel's memory may hold as many again that found no room on the disk.
  expect(kept + 8).toBeLessThanOrEqual(BOOT_RECORDS_MAX);
});

test('the warning of the watchdog comes long enough before the reset for the panic to reboot by itself', () => {
  const panic_s = numberIn(loader, / panic=(\d+) /);
  for (const warning_s of [
    numberIn(initrd, /^PRETIMEOUT_S=(\d+)/m),
    numberIn(manager, /^RuntimeWatchdogPreSec=(\d+)s$/m),
  ]) {
    expect(warning_s).toBeGreaterThan(panic_s);
    expect(warning_s).toBeLessThan(numberIn(manager, /^RuntimeWatchdogSec=(\d+)s$/m) / 2);
  }
});

test('firmware variables are written by nothing: the module that would is not in the image', () => {
  const modules = read('iso/modules.txt').match(/^(?:initrd|root) .*/gm) ?? [];
  expect(modules).toContain('initrd ramoops');
  expect(modules.filter((line) => /efi.?pstore/.test(line))).toEqual([]);
  expect(loader).toContain('pstore.backend=ramoops');
});
