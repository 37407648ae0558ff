import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { collectBootLogs } from './collect.ts';
import { parseRecord } from './record.ts';

/** The functions of the initrd's script that have to do with logs, run by a shell on temporary folders. */
const script = readFileSync(join(import.meta.dirname, '../../iso/initrd/init'), 'utf8');

let folder: string;
const at = (path: string) => join(folder, path);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-initrd-'));
  mkdirSync(at('pstore'));
  mkdirSync(at('proc'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function source(name: string): string {
  const found = new RegExp(`^${name}\\(\\) \\{(?: [^\\n]* \\}$|[\\s\\S]*?^\\})`, 'm').exec(script)?.[0] ?? '';
  expect(found, name).not.toBe('');
  return found
    .replaceAll('/newroot', at('newroot'))
    .replaceAll('/sys/fs/pstore', at('pstore'))
    .replaceAll('/proc/', at('proc/'));
}

function sh(...lines: string[]): string {
  const constants = script.match(/^LOG_\w+=\d+/gm) ?? [];
  const quiet = 'mount() { :; }; umount() { :; }; say() { echo "<13>[    3.5] bulkhead-initrd: $*"; }';
  const done = spawnSync('sh', ['-c', [...constants, quiet, ...lines].join('\n')], { encoding: 'utf8' });
  expect(done.stderr).toBe('');
  return done.stdout;
}

const saved = () => readdirSync(at('newroot/var/lib/msp/boot-log/incoming')).sort();
const keep = () => sh('recording=ready', source('keep_records'), 'keep_records');

test('what it says of a boot is what is read from its log', () => {
  const boot = ['ab_slot=B', 'ab_attempt=2', 'ab_mode=trial', 'boot_id=8e9a85a3', source('say_boot')];
  const facts = { slot: 'B', attempt: 2, mode: 'trial', bootId: '8e9a85a3' };
  expect(parseRecord(Buffer.from(sh(...boot, 'say_boot')))).toMatchObject({ ...facts, version: null });
  expect(parseRecord(Buffer.from(sh(...boot, 'say_boot 0.1.0')))).toMatchObject({
    ...facts,
    version: '0.1.0',
  });
});

test('records go to the disk in their order, with their time, and out of memory', () => {
  const ended = new Date('2026-11-21T06:38:00Z');
  for (const count of [0, 1]) {
    writeFileSync(at(`pstore/dmesg-ramoops-${count}`), `record ${count}`);
    utimesSync(at(`pstore/dmesg-ramoops-${count}`), ended, ended);
  }
  keep();
  expect(saved()).toEqual(['1000', '1001']);
  const first = at('newroot/var/lib/msp/boot-log/incoming/1000');
  expect([readFileSync(first, 'utf8'), statSync(first).mtime]).toEqual(['record 0', ended]);
  expect(readdirSync(at('pstore'))).toEqual([]);
  expect(statSync(at('newroot/var/lib/msp/boot-log')).mode & 0o777).toBe(0o755);
});

test('a row of boots that nobody collects from keeps the last eight', () => {
  for (let boot = 0; boot < 12; boot += 1) {
    writeFileSync(at('pstore/dmesg-ramoops-0'), `record ${boot}`);
    keep();
  }
  expect(saved()).toEqual(Array.from({ length: 8 }, (_, index) => String(1004 + index)));
  const paths = {
    records: at('newroot/var/lib/msp/boot-log/incoming'),
    pstore: at('pstore'),
    logs: at('newroot/var/lib/msp/boot-log'),
  };
  expect(collectBootLogs(paths).added.map(({ lines }) => lines[0])).toEqual(
    Array.from({ length: 8 }, (_, index) => `record ${index + 4}`),
  );
});

test('half a copy that a power cut left is no record, and the next one is made beside it', () => {
  const incoming = at('newroot/var/lib/msp/boot-log/incoming');
  mkdirSync(incoming, { recursive: true });
  writeFileSync(join(incoming, '1000.new'), 'hal');
  writeFileSync(at('pstore/dmesg-ramoops-0'), 'record');
  keep();
  expect(saved()).toEqual(['1000.new', '1001']);
});

test('without a disk to put them the records stay where they are', () => {
  writeFileSync(at('newroot'), 'not a folder');
  writeFileSync(at('pstore/dmesg-ramoops-0'), 'record');
  spawnSync('sh', [
    '-c',
    `recording=ready; mount() { :; }; umount() { :; }; ${source('keep_records')}\nkeep_records`,
  ]);
  expect(existsSync(at('pstore/dmesg-ramoops-0'))).toBe(true);
});

const IOMEM =
  '00100000-0fffffff : System RAM\n10000000-100fffff : Unusable memory\n10100000-3ea9ffff : System RAM\n';

test.each([
  ['10000000-100fffff', IOMEM, 'ready ramoops mem_address=268435456 mem_size=1048576 record_size=131072'],
  ['', IOMEM, 'absent'],
  ['10000000-100fffff', '00100000-3ea9ffff : System RAM\n', 'absent'],
  ['10000000-100fffff', IOMEM.replace('Unusable memory', 'Reserved'), 'absent'],
  ['10000000-1fffffff', IOMEM, 'absent'],
])('memory %j is written to only where the map has it as unusable', (range, iomem, expected) => {
  writeFileSync(at('proc/iomem'), iomem);
  const said = sh(
    'modprobe() { shift; options=$*; }; options=',
    `log_memory=${range}`,
    source('start_recording'),
    'start_recording; echo "$recording $options"',
  );
  expect(said.trim()).toMatch(new RegExp(`^${expected}`));
  if (expected === 'absent') expect(said).toBe('absent \n');
});
