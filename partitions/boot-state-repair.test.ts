import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type Run, run, runOrThrow } from '../base/run.ts';
import { type BootState, initialState } from './boot-state.ts';
import { repairBootState } from './boot-state-repair.ts';
import { readBootState, readBootStateFromDevice } from './boot-state-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'bulkhead-repair-'));
afterAll(() => rmSync(folder, { recursive: true }));

const state: BootState = initialState('B');
const esp = join(folder, 'esp');
const espMount = join(folder, 'boot');

/**
 * A machine that may have no vfat in its kernel: the ESP's files are kept in a folder, and a remount to read-only
 * carries what was written there into the real FAT image with mtools, as the kernel's vfat would.
 */
const asked: string[] = [];
const mounts: Run = async (program, args, options) => {
  asked.push([program, ...args].join(' '));
  if (args[1] === 'remount,ro' && existsSync(join(espMount, 'ab_state'))) {
    await run('mdel', ['-i', esp, '::/ab_state']);
    return run('mcopy', ['-i', esp, join(espMount, 'ab_state'), '::/ab_state'], options);
  }
  return { code: 0, stdout: '', stderr: '' };
};

async function makeEsp(content?: Uint8Array): Promise<void> {
  for (const path of [esp, espMount]) rmSync(path, { recursive: true, force: true });
  mkdirSync(espMount);
  await runOrThrow(run, 'truncate', ['-s', '48M', esp]);
  await runOrThrow(run, 'mkfs.vfat', ['-F', '32', '-s', '1', esp]);
  if (!content) return;
  writeFileSync(join(espMount, 'ab_state'), content);
  await runOrThrow(run, 'mcopy', ['-i', esp, join(espMount, 'ab_state'), '::/ab_state']);
}

describe('repairing the boot state', () => {
  beforeEach(() => {
    asked.length = 0;
  });

  test.each([
    ['zeroes', new Uint8Array(512)],
    ['garbage', new Uint8Array(512).fill(0xa5)],
  ])('overwrites %s in place, without a remount', async (_name, content) => {
    await makeEsp(content);
    expect(await repairBootState(esp, state, { espMount, run: mounts })).toBe('overwritten');
    expect(readBootStateFromDevice(esp)).toEqual({ state, condition: 'ok' });
    expect(asked).toEqual([]);
  });

  test.each([
    ['missing', undefined],
    ['empty', new Uint8Array(0)],
    ['too short', new Uint8Array(100)],
    ['too long', new Uint8Array(1024)],
  ])('makes a new file of one sector when it is %s', async (_name, content) => {
    await makeEsp(content);
    expect(await repairBootState(esp, state, { espMount, run: mounts })).toBe('created');
    expect(readBootStateFromDevice(esp)).toEqual({ state, condition: 'ok' });
    expect(readBootState({ espMount })).toEqual({ state, condition: 'ok' });
    expect(asked).toEqual([`mount -o remount,rw ${espMount}`, `mount -o remount,ro ${espMount}`]);
  });

  test('goes back to read-only and says so when the file cannot be made', async () => {
    await makeEsp();
    rmSync(espMount, { recursive: true });
    await expect(repairBootState(esp, state, { espMount, run: mounts })).rejects.toMatchObject({
      code: 'BOOT_STATE_NOT_WRITTEN',
    });
    expect(asked.at(-1)).toBe(`mount -o remount,ro ${espMount}`);
  });

  test('notices a folder that is not that device', async () => {
    await makeEsp();
    const nothingHappens: Run = async () => ({ code: 0, stdout: '', stderr: '' });
    await expect(repairBootState(esp, state, { espMount, run: nothingHappens })).rejects.toMatchObject({
      code: 'BOOT_STATE_NOT_WRITTEN',
    });
  });

  test('passes on that the mount was refused, and writes nothing', async () => {
    await makeEsp();
    const was = readFileSync(esp);
    const refuses: Run = async () => ({ code: 32, stdout: '', stderr: 'mount point not mounted' });
    await expect(repairBootState(esp, state, { espMount, run: refuses })).rejects.toMatchObject({
      code: 'BOOT_STATE_NOT_WRITTEN',
      cause: expect.objectContaining({ message: expect.stringContaining('mount point not mounted') }),
    });
    expect(existsSync(join(espMount, 'ab_state'))).toBe(false);
    expect(readFileSync(esp).equals(was)).toBe(true);
  });
});
