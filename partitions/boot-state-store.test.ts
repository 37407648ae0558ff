import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run, runOrThrow } from '../base/run.ts';
import { type BootState, initialState, serialiseBootState } from './boot-state.ts';
import {
  locateBootState,
  readBootState,
  readBootStateFromDevice,
  writeBootState,
} from './boot-state-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-state-'));
afterAll(() => rmSync(folder, { recursive: true }));

const before = initialState('A');
const after: BootState = { active: 'B', trial: 'A', attempts: 2, good: { A: false, B: true }, failed: 'A' };

async function makeEsp(
  name: string,
  options: string[],
  content?: Uint8Array,
  size_mib = 64,
): Promise<string> {
  const path = join(folder, name);
  await runOrThrow(run, 'truncate', ['-s', `${size_mib}M`, path]);
  await runOrThrow(run, 'mkfs.vfat', ['-F', '32', ...options, path]);
  if (content) {
    writeFileSync(join(folder, 'content'), content);
    await runOrThrow(run, 'mcopy', ['-i', path, join(folder, 'content'), '::/ab_state']);
  }
  return path;
}

describe('reading through the mounted file system', () => {
  const espMount = join(folder, 'boot');
  const file = join(espMount, 'ab_state');
  beforeAll(() => mkdirSync(espMount));

  test('gives the state', () => {
    writeFileSync(file, serialiseBootState(after));
    expect(readBootState({ espMount })).toEqual({ state: after, condition: 'ok' });
  });

  test.each([
    ['empty', new Uint8Array(0)],
    ['zeroed', new Uint8Array(512)],
    ['torn', serialiseBootState(after).subarray(0, 100)],
    ['longer than one sector', Buffer.concat([serialiseBootState(after), Buffer.alloc(512, '#')])],
  ])('calls a file that is %s damaged', (_name, content) => {
    writeFileSync(file, content);
    expect(readBootState({ espMount })).toEqual({ state: null, condition: 'damaged' });
  });

  test('tells missing from unreadable', () => {
    rmSync(file);
    expect(readBootState({ espMount })).toEqual({ state: null, condition: 'missing' });
    mkdirSync(file);
    expect(readBootState({ espMount })).toEqual({ state: null, condition: 'unreadable' });
    rmSync(file, { recursive: true });
  });

  test('works where the file system knows no direct transfer', async () => {
    const mount = join(folder, 'proc-like');
    mkdirSync(mount);
    await runOrThrow(run, 'mount', ['-t', 'ramfs', 'none', mount]);
    try {
      writeFileSync(join(mount, 'ab_state'), serialiseBootState(after));
      expect(readBootState({ espMount: mount })).toEqual({ state: after, condition: 'ok' });
    } finally {
      await runOrThrow(run, 'umount', [mount]);
    }
  });
});

describe('writing to an image of an ESP', () => {
  test('changes 512 bytes and nothing else', async () => {
    const esp = await makeEsp('plain', ['-s', '1'], serialiseBootState(before));
    const was = readFileSync(esp);
    writeBootState(esp, after);
    const is = readFileSync(esp);
    const at = locateBootState(esp)?.offset_bytes ?? -1;
    expect(is.subarray(at, at + 512)).toEqual(Buffer.from(serialiseBootState(after)));
    is.set(serialiseBootState(before), at);
    expect(is.equals(was)).toBe(true);
    expect(await runOrThrow(run, 'mtype', ['-i', esp, '::/ab_state'])).toContain('active_partition=B');
    expect(readBootStateFromDevice(esp)).toEqual({ state: after, condition: 'ok' });
  });

  test.each([
    ['missing', undefined],
    ['empty', new Uint8Array(0)],
    ['too short', new Uint8Array(511)],
  ])('refuses and changes nothing when the file is %s', async (name, content) => {
    const esp = await makeEsp(`refused-${name}`, ['-s', '1'], content);
    const was = readFileSync(esp);
    expect(() => writeBootState(esp, after)).toThrow(
      expect.objectContaining({ code: 'BOOT_STATE_NOT_WRITTEN' }),
    );
    expect(readFileSync(esp).equals(was)).toBe(true);
  });

  test('refuses a device that holds no FAT, and one that is not there', () => {
    const path = join(folder, 'noise');
    writeFileSync(path, Buffer.alloc(1024 * 1024, 0x5a));
    for (const device of [path, join(folder, 'nowhere')]) {
      expect(() => writeBootState(device, after)).toThrow(
        expect.objectContaining({ code: 'BOOT_STATE_NOT_WRITTEN' }),
      );
    }
    expect(readFileSync(path).equals(Buffer.alloc(1024 * 1024, 0x5a))).toBe(true);
  });
});

describe.each([
  ['512', ['-s', '1'], 64],
  // FAT32 wants 65525 clusters, of 4096 bytes each here.
  ['4096', ['-S', '4096', '-s', '1'], 300],
] as const)('writing to a block device with blocks of %s bytes', (block_bytes, options, size_mib) => {
  let device: string;
  let image: string;

  beforeEach(async () => {
    image = await makeEsp(`blocks-${block_bytes}`, [...options], serialiseBootState(before), size_mib);
    device = (await runOrThrow(run, 'losetup', ['-f', '--show', '-b', block_bytes, image])).trim();
  });
  afterEach(async () => {
    // The flag would stay with the device for whoever gets it next.
    await runOrThrow(run, 'blockdev', ['--setrw', device]);
    await runOrThrow(run, 'losetup', ['-d', device]);
    rmSync(image);
  });

  test('changes the boot state only', async () => {
    const copy = join(folder, 'copy');
    // In a block of 4096 bytes the state has neighbours, which must survive.
    const place = locateBootState(device)?.offset_bytes ?? 0;
    await runOrThrow(run, 'losetup', ['-d', device]);
    const marked = readFileSync(image);
    marked.fill(0x77, place + 512, place + Number(block_bytes));
    writeFileSync(image, marked);
    copyFileSync(image, copy);
    device = (await runOrThrow(run, 'losetup', ['-f', '--show', '-b', block_bytes, image])).trim();
    writeBootState(device, after);
    expect(readBootStateFromDevice(device)).toEqual({ state: after, condition: 'ok' });
    const was = readFileSync(copy);
    was.set(serialiseBootState(after), place);
    await runOrThrow(run, 'blockdev', ['--flushbufs', device]);
    expect(readFileSync(image).equals(was)).toBe(true);
  });

  test('says so when the device does not take it', async () => {
    await runOrThrow(run, 'blockdev', ['--setro', device]);
    expect(() => writeBootState(device, after)).toThrow(
      expect.objectContaining({ code: 'BOOT_STATE_NOT_WRITTEN' }),
    );
    expect(readBootStateFromDevice(device)).toEqual({ state: before, condition: 'ok' });
  });
});
