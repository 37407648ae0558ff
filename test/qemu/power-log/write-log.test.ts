import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { run, runOrThrow } from '../../../base/run.ts';
import { serialiseLog } from './lab.ts';
import { WriteLog } from './write-log.ts';

const DISK_BYTES = 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), 'bulkhead-write-log-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Entries of a log with what was written: short texts, because that is easier to compare. */
function entriesOf(path: string): string[] {
  const log = new WriteLog(path);
  try {
    return [...log.read(DISK_BYTES)].map((entry) => {
      const { number, kind, offset_bytes, size_bytes, fua } = entry;
      const content = kind === 'write' ? ` of ${log.data(entry)[0]}` : '';
      return `${number} ${kind}${fua ? ' fua' : ''} ${offset_bytes}+${size_bytes}${content}`;
    });
  } finally {
    log.close();
  }
}

test('what QEMU logs is read back: writes, flushes, zeroes, discards, in their order', async () => {
  const [disk, path] = [join(folder, 'disk'), join(folder, 'qemu')];
  writeFileSync(disk, '');
  truncateSync(disk, DISK_BYTES);
  writeFileSync(path, '');
  const options = `driver=blklogwrites,log-sector-size=512,file.driver=file,file.filename=${disk},log.driver=file,log.filename=${path}`;
  const commands = [
    'write -P 1 0 4k',
    'flush',
    'write -P 2 4096 512',
    'write -z 16k 4k',
    'discard 32k 8k',
    'flush',
  ];
  await runOrThrow(run, 'qemu-io', [
    ...['-t', 'writeback', '--image-opts', options],
    ...commands.flatMap((command) => ['-c', command]),
  ]);
  expect(entriesOf(path)).toEqual([
    '0 write 0+4096 of 1',
    '1 flush 0+0',
    '2 write 4096+512 of 2',
    '3 write 16384+4096 of 0',
    '4 discard 32768+8192',
    '5 flush 0+0',
  ]);
});

test('a log made by hand says the same', () => {
  const path = join(folder, 'hand');
  const bytes = new Uint8Array(1024).fill(9);
  writeFileSync(
    path,
    serialiseLog([{ offset_bytes: 512, bytes }, 'flush', { offset_bytes: 0, bytes, fua: true }]),
  );
  expect(entriesOf(path)).toEqual(['0 write 512+1024 of 9', '1 flush 0+0', '2 write fua 0+1024 of 9']);
});

test('a part of an entry can be read alone', () => {
  const path = join(folder, 'part');
  const bytes = Uint8Array.from({ length: 1024 }, (_, at) => at % 251);
  writeFileSync(path, serialiseLog([{ offset_bytes: 0, bytes }]));
  const log = new WriteLog(path);
  const [entry] = log.read(DISK_BYTES);
  expect(entry && log.data(entry, 600, 700)).toEqual(Buffer.from(bytes.subarray(600, 700)));
  log.close();
});

test('a log that ends anywhere before its end is damaged, and nothing is read past that', () => {
  const whole = serialiseLog([
    { offset_bytes: 0, bytes: new Uint8Array(1024).fill(1) },
    'flush',
    { offset_bytes: 4096, bytes: new Uint8Array(512).fill(2) },
  ]);
  const path = join(folder, 'cut');
  fc.assert(
    fc.property(fc.integer({ min: 0, max: whole.length - 1 }), (length) => {
      writeFileSync(path, whole.subarray(0, length));
      expect(() => [...new WriteLog(path).read(DISK_BYTES)]).toThrow(
        expect.objectContaining({ code: 'POWER_LOG_DAMAGED' }),
      );
    }),
  );
});

test.each([
  ['magic number', 0, 1],
  ['version', 8, 2],
  ['sector size', 25, 1],
  ['flags of an entry', 512 + 16, 64],
  ['sector behind the end of the disk', 512 + 4, 1],
  ['sectors beyond what is there', 512 + 9, 1],
  ['length of its own', 512 + 24, 1],
])('a log with a wrong %s is damaged', (_, at, value) => {
  const path = join(folder, 'wrong');
  const bytes = serialiseLog([{ offset_bytes: 0, bytes: new Uint8Array(512) }]);
  bytes[at] = value;
  writeFileSync(path, bytes);
  expect(() => entriesOf(path)).toThrow(expect.objectContaining({ code: 'POWER_LOG_DAMAGED' }));
});
