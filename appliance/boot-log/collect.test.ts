import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { collectBootLogs } from './collect.ts';
import { BOOT_LOGS_MAX, BOOT_RECORDS_MAX } from './limits.ts';
import { readBootLogs } from './store.ts';

let folder: string;
let paths: { records: string; pstore: string; logs: string };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-boot-log-'));
  const logs = join(folder, 'boot-log');
  paths = { logs, records: join(logs, 'incoming'), pstore: join(folder, 'pstore') };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const ENDED = new Date('2026-11-21T06:38:00Z');

function record(path: string, id: string, text: string, ended = ENDED): string {
  mkdirSync(dirname(path), { recursive: true });
  const boot = id === '' ? '' : `<13>[ 3.5] bulkhead-initrd: boot slot=B attempt=1 mode=trial id=${id}\n`;
  writeFileSync(path, `Panic#1 Part1\n${boot}${text}\n\nECC: No errors detected\n`);
  utimesSync(path, ended, ended);
  return path;
}
const PANIC = '<0>[ 9.0] Kernel panic - not syncing: test';
const saved = (number: number) => join(paths.records, String(number));
const logFiles = () =>
  readdirSync(paths.logs)
    .filter((name) => name.endsWith('.txt'))
    .sort();

test('each boot that the initrd saved becomes a log, oldest first, and its record goes', () => {
  for (const number of [999, 1000, 1001]) record(saved(number), `boot-${number}`, PANIC);
  const { added, records } = collectBootLogs(paths);
  expect(records).toBe(3);
  expect(logFiles()).toEqual(['000001-B.txt', '000002-B.txt', '000003-B.txt']);
  expect(readBootLogs(paths.logs)).toEqual(added);
  expect(added.map(({ bootId, at, ending }) => [bootId, at, ending])).toEqual(
    [999, 1000, 1001].map((number) => [`boot-${number}`, '2026-11-21T06:38:00.000Z', 'panic']),
  );
  expect(readdirSync(paths.records)).toEqual([]);
});

test('what is left in memory because there was no disk to put it is taken, too', () => {
  record(join(paths.pstore, 'dmesg-ramoops-0'), 'only', PANIC);
  writeFileSync(join(paths.pstore, 'ftrace-ramoops-0'), 'something else');
  collectBootLogs(paths);
  expect(readBootLogs(paths.logs).map(({ bootId }) => bootId)).toEqual(['only']);
  expect(readdirSync(paths.pstore)).toEqual(['ftrace-ramoops-0']);
});

test('the records of one boot are one log, with the last word', () => {
  record(saved(1000), 'same', '<4>[ 9.0] Oops: 0002 [#1]');
  record(saved(1001), 'same', `<4>[ 9.0] Oops: 0002 [#1]\n${PANIC}`);
  record(saved(1002), '', 'nobody knows');
  record(saved(1003), '', 'nobody knows this one either');
  expect(collectBootLogs(paths).added.map(({ bootId, lines }) => [bootId, lines.length])).toEqual([
    ['same', 3],
    [null, 1],
    [null, 1],
  ]);
});

test('a boot whose record could not be taken away last time gets no second log', () => {
  record(saved(1000), 'again', PANIC);
  collectBootLogs(paths);
  record(saved(1000), 'again', PANIC);
  expect(collectBootLogs(paths)).toEqual({ added: [], records: 1 });
  expect(logFiles()).toEqual(['000001-B.txt']);
  expect(existsSync(saved(1000))).toBe(false);
});

test(`the last ${BOOT_LOGS_MAX} logs stay, and numbers are never used twice`, () => {
  for (let boot = 0; boot < BOOT_LOGS_MAX + 3; boot += 1) {
    record(saved(1000), `boot-${boot}`, PANIC);
    collectBootLogs(paths);
  }
  const numbers = readBootLogs(paths.logs).map(({ number }) => number);
  expect(numbers).toEqual(Array.from({ length: BOOT_LOGS_MAX }, (_, index) => index + 4));
  expect(logFiles()).toHaveLength(BOOT_LOGS_MAX);
});

test('a flood of records is bounded', () => {
  for (let boot = 0; boot < BOOT_RECORDS_MAX + 4; boot += 1)
    record(saved(1000 + boot), `boot-${boot}`, PANIC);
  const { added, records } = collectBootLogs(paths);
  expect([added.length, records]).toEqual([BOOT_LOGS_MAX, BOOT_RECORDS_MAX]);
  expect(added.at(-1)?.bootId).toBe(`boot-${BOOT_RECORDS_MAX + 3}`);
});

test('a machine that did not know the time says so', () => {
  record(saved(1000), 'dead-battery', PANIC, new Date('1980-01-01T00:00:00Z'));
  expect(collectBootLogs(paths).added[0]?.at).toBeNull();
});

test('where nothing was left there is nothing to do', () => {
  expect(collectBootLogs(paths)).toEqual({ added: [], records: 0 });
  expect(readBootLogs(paths.logs)).toEqual([]);
});

test('logs are for everyone to read, and no half of one is ever there', () => {
  record(saved(1000), 'one', PANIC);
  collectBootLogs(paths);
  expect(statSync(join(paths.logs, '000001-B.txt')).mode & 0o777).toBe(0o644);
  expect(readdirSync(paths.logs).sort()).toEqual(['000001-B.txt', 'incoming']);
});

test('a log that cannot be written leaves the record where it is', () => {
  record(saved(1000), 'one', PANIC);
  // A folder stands where the new file would be made.
  mkdirSync(join(paths.logs, '000001-B.txt.new'));
  expect(() => collectBootLogs(paths)).toThrow(expect.objectContaining({ code: 'BOOTLOG_NOT_KEPT' }));
  expect(existsSync(saved(1000))).toBe(true);
});

test('a damaged log and a file of another name are left out', () => {
  record(saved(1000), 'one', PANIC);
  collectBootLogs(paths);
  writeFileSync(join(paths.logs, '000002-B.txt'), 'torn');
  writeFileSync(join(paths.logs, '000003-B.txt'), 'x'.repeat(200_000));
  writeFileSync(join(paths.logs, 'notes.txt'), 'mine');
  expect(readBootLogs(paths.logs).map(({ number }) => number)).toEqual([1]);
  record(saved(1000), 'two', PANIC);
  expect(collectBootLogs(paths).added[0]?.number).toBe(4);
});

test('a folder that cannot be read is an error and not an empty answer', () => {
  writeFileSync(paths.logs, 'a file');
  expect(() => readBootLogs(paths.logs)).toThrow(expect.objectContaining({ code: 'BOOTLOG_UNREADABLE' }));
});
