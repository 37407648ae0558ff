import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, runOrThrow } from '../../../base/run.ts';
import { copyDisk, createDisk, createOverlay, diskSize_bytes, putRange } from './disk.ts';
import {
  corruptByte,
  deleteFatFile,
  readExt4File,
  readFatFile,
  readPartition,
  readPartitions,
  readRange,
  withPartition,
  writeExt4File,
  writeFatFile,
  writePartition,
} from './disk-content.ts';
import { findPartition, GPT_HEAD_BYTES, parseGpt } from './gpt.ts';
import type { DiskFile } from './options.ts';

const MEBIBYTE = 1024 * 1024;
const DISK_BYTES = 128 * MEBIBYTE;
const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

let folder: string;
let raw: DiskFile;
let overlay: DiskFile;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-disk-test-'));
  raw = createDisk(join(folder, 'raw.img'), DISK_BYTES);
  await runOrThrow(run, 'sgdisk', [
    ...['-n', '1:1M:+40M', '-t', '1:ef00', '-c', '1:ESP', '-n', '2:0:+16M', '-c', '2:root-a'],
    ...['-n', '4:0:+32M', '-c', '4:MSP-DATA', raw.path],
  ]);
  await format('ESP', ['mkfs.fat', '-F', '32', '-s', '1']);
  await format('MSP-DATA', ['mkfs.ext4', '-q', '-F']);
  overlay = await createOverlay(
    join(folder, 'overlay.qcow2'),
    await copyDisk(raw, { ...raw, path: join(folder, 'base.img') }),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function format(label: string, [program = '', ...args]: string[]) {
  await withPartition(raw, label, 'write', (image) => runOrThrow(run, program, [...args, image]));
}

test('partitions are those that sgdisk made, by label, with the same numbers and UUIDs', async () => {
  const partitions = await readPartitions(raw);
  expect(partitions.map(({ number, label }) => [number, label])).toEqual([
    [1, 'ESP'],
    [2, 'root-a'],
    [4, 'MSP-DATA'],
  ]);
  for (const { number, partitionUuid, typeUuid, offset_bytes, size_bytes } of partitions) {
    const told = await runOrThrow(run, 'sgdisk', ['-i', String(number), raw.path]);
    expect(told.toLowerCase()).toContain(`partition unique guid: ${partitionUuid}`);
    expect(told.toLowerCase()).toContain(`partition guid code: ${typeUuid}`);
    expect(told).toContain(`First sector: ${offset_bytes / 512} `);
    expect(told).toContain(`Partition size: ${size_bytes / 512} sectors`);
  }
  expect(() => findPartition(partitions, 'root-b')).toThrow(/no partition 'root-b'/);
});

test('a table with any byte changed is refused or reads the same', async () => {
  const head = await readRange(raw, 0, GPT_HEAD_BYTES);
  const whole = parseGpt(head);
  // The header covers its own 92 bytes and the entries; what lies between is not part of the table.
  fc.assert(
    fc.property(fc.integer({ min: 512, max: 512 + 91 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const changed = head.slice();
      changed[at] = (changed[at] ?? 0) ^ change;
      expect(() => parseGpt(changed)).toThrow();
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1024, max: GPT_HEAD_BYTES - 1 }), (at) => {
      const changed = head.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => parseGpt(changed)).toThrow(/entries/);
    }),
  );
  expect(parseGpt(head)).toEqual(whole);
  expect(() => parseGpt(new Uint8Array(GPT_HEAD_BYTES))).toThrow(/no GUID partition table/);
});

describe.each(['raw file', 'overlay'])('a disk that is a %s', (kind) => {
  const disk = () => (kind === 'overlay' ? overlay : raw);

  test('gives back the bytes that were written, at any offset, and nothing around them changes', async () => {
    await writePartition(disk(), 'root-a', 0, new Uint8Array(4096).fill(0x11));
    await writePartition(disk(), 'root-a', 1_000, encode('in the middle of two sectors'));
    const bytes = await readPartition(disk(), 'root-a', 0, 4096);
    expect(decode(bytes.subarray(1_000, 1_028))).toBe('in the middle of two sectors');
    expect(bytes.subarray(0, 1_000).every((byte) => byte === 0x11)).toBe(true);
    expect(bytes.subarray(1_028).every((byte) => byte === 0x11)).toBe(true);
    await corruptByte(disk(), 'root-a', 5);
    expect((await readPartition(disk(), 'root-a', 4, 3)).join()).toBe([0x11, 0xee, 0x11].join());
  });

  test('refuses what lies outside the partition', async () => {
    const end = 16 * MEBIBYTE;
    await writePartition(disk(), 'root-a', end - 1, Uint8Array.of(7));
    expect(await readPartition(disk(), 'root-a', end - 1, 1)).toEqual(Uint8Array.of(7));
    await expect(readPartition(disk(), 'root-a', end - 1, 2)).rejects.toThrow(/outside 'root-a'/);
    await expect(writePartition(disk(), 'root-a', -1, encode('x'))).rejects.toThrow(/outside/);
  });

  test('files on its FAT partition are written, read, replaced and deleted', async () => {
    expect(await readFatFile(disk(), 'ESP', '/ab_state')).toBeUndefined();
    await writeFatFile(disk(), 'ESP', '/ab_state', encode('one'));
    await writeFatFile(disk(), 'ESP', '/ab_state', encode('two'));
    expect(decode(await readFatFile(disk(), 'ESP', '/ab_state'))).toBe('two');
    await deleteFatFile(disk(), 'ESP', '/ab_state');
    expect(await readFatFile(disk(), 'ESP', '/ab_state')).toBeUndefined();
  });

  test('files on its ext4 partition are written, read and replaced, and the file system stays sound', async () => {
    expect(await readExt4File(disk(), 'MSP-DATA', '/config.yaml')).toBeUndefined();
    await writeExt4File(disk(), 'MSP-DATA', '/config.yaml', encode('a: 1\n'));
    await writeExt4File(disk(), 'MSP-DATA', '/config.yaml', encode('a: 2\n'));
    expect(decode(await readExt4File(disk(), 'MSP-DATA', '/config.yaml'))).toBe('a: 2\n');
    const check = await withPartition(disk(), 'MSP-DATA', 'read', (image) =>
      run('e2fsck', ['-f', '-n', image]),
    );
    expect(check.code, check.stdout).toBe(0);
  });
});

test('an overlay leaves its base as it was', async () => {
  const base = { path: join(folder, 'base.img'), format: 'raw' as const };
  const child = await createOverlay(join(folder, 'child.qcow2'), base);
  const before = await readPartition(base, 'root-a', 0, 64);
  await writePartition(child, 'root-a', 0, new Uint8Array(64).fill(0x55));
  expect(await readPartition(base, 'root-a', 0, 64)).toEqual(before);
  expect(await diskSize_bytes(child)).toBe(DISK_BYTES);
});

test('an existing file is never taken for a blank disk, and a tool that fails is quoted', async () => {
  expect(() => createDisk(raw.path, 512)).toThrow(/EEXIST/);
  await expect(
    putRange({ path: join(folder, 'none.img'), format: 'raw' }, 0, raw.path),
  ).rejects.toMatchObject({
    code: 'DISK_TOOL_FAILED',
  });
});
