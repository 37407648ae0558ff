import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Run, run } from '../../base/run.ts';
import { type DiskFacts, readDiskFacts } from './disk-facts.ts';
import { growData, planGrow } from './grow-data.ts';

const MIB = 1024 * 1024;
const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
});

const sh = (program: string, ...args: string[]) =>
  execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe' }).trim();

/** A disk as the installer leaves it, in a file behind a loop device, its data partition mounted. */
function disk(size_bytes: number, tail = '') {
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-grow-'));
  cleanUps.push(() => rmSync(folder, { recursive: true }));
  const image = join(folder, 'disk.img');
  writeFileSync(image, '');
  truncateSync(image, size_bytes);
  const table = `label: gpt\nsize=4M, name=ESP, type=uefi\nsize=8M, name=root-a\nsize=8M, name=root-b\n${tail ? 'size=24M, ' : ''}name=MSP-DATA\n${tail}`;
  execFileSync('sfdisk', ['-q', image], { input: table });
  const loop = sh('losetup', '-f', '--show', image);
  cleanUps.push(() => sh('losetup', '-d', loop));
  // This kernel may not read GPTs itself; partx tells it.
  sh('partx', '-a', loop);
  cleanUps.push(() => sh('partx', '-d', loop));
  const device = `${loop}p4`;
  sh('mkfs.ext4', '-q', device);
  const mount = join(folder, 'data');
  mkdirSync(mount);
  sh('mount', device, mount);
  cleanUps.push(() => sh('umount', mount));
  writeFileSync(join(mount, 'kept'), 'what was there');
  const enlarge = (to_bytes: number) => {
    truncateSync(image, to_bytes);
    sh('losetup', '-c', loop);
  };
  // Growing a mounted ext4 takes CAP_SYS_RESOURCE, which a build machine may withhold even from root. There the same
  // resize2fs grows it unmounted; growing it mounted is shown by the boot tests.
  const runHere: Run = async (program, args, options) => {
    if (program !== 'resize2fs' || mayResizeMounted()) return run(program, args, options);
    sh('umount', mount);
    sh('e2fsck', '-f', '-p', device);
    const result = await run(program, args, options);
    sh('mount', device, mount);
    return result;
  };
  return { loop, device, mount, enlarge, runHere };
}

/** Bit 24 of the effective capabilities, capabilities(7). */
function mayResizeMounted(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> 24n) & 1n) === 1n;
}

const canLoop = process.getuid?.() === 0 && existsSync('/dev/loop-control');

describe.skipIf(!canLoop)('on a real disk', () => {
  it('grows table, partition and mounted file system to a larger disk, keeps what is there, and is then done', async () => {
    const { loop, device, mount, enlarge, runHere } = disk(64 * MIB);
    const others = sh('sfdisk', '-d', loop)
      .split('\n')
      .filter((line) => /root|ESP/.test(line));
    enlarge(200 * MIB);
    const outcome = await growData(device, runHere);
    expect(outcome.steps).toEqual(['move-backup-table', 'grow-partition', 'grow-file-system']);
    expect(outcome.after_bytes).toBeGreaterThan(170 * MIB);
    const { blocks, bsize } = statfsSync(mount);
    expect(blocks * bsize).toBeGreaterThan(160 * MIB);
    expect(readFileSync(join(mount, 'kept'), 'utf8')).toBe('what was there');
    expect(sh('sfdisk', '--verify', loop)).toContain('No errors detected');
    expect(
      sh('sfdisk', '-d', loop)
        .split('\n')
        .filter((line) => /root|ESP/.test(line)),
    ).toEqual(others);
    expect(await growData(device, run)).toMatchObject({ steps: [], before_bytes: outcome.after_bytes });
    sh('umount', mount);
    expect(sh('e2fsck', '-f', '-n', device)).toMatch(/kept|files/);
    sh('mount', device, mount);
  });

  it('starts no program at all when there is nothing to do', async () => {
    const { device } = disk(64 * MIB);
    const refuse: Run = (program) => Promise.reject(new Error(`${program} was started`));
    expect(await growData(device, refuse)).toMatchObject({ steps: [] });
  });

  it('goes on where a power cut stopped it', async () => {
    const { device, enlarge, runHere } = disk(64 * MIB);
    enlarge(200 * MIB);
    for (const last of ['--relocate', '-N']) {
      const cut: Run = async (program, args, options) => {
        const result = await run(program, args, options);
        if (args.includes(last)) throw new Error('power cut');
        return result;
      };
      await expect(growData(device, cut)).rejects.toThrow('power cut');
      // A restart reads the table anew.
      sh('partx', '-u', readDiskFacts(device).disk);
    }
    expect(await growData(device, runHere)).toMatchObject({ steps: ['grow-file-system'] });
    expect(planGrow(readDiskFacts(device)).steps).toEqual([]);
  });

  it('leaves the partitions alone when another one lies behind', async () => {
    const { loop, device, enlarge } = disk(64 * MIB, 'name=OTHER\n');
    enlarge(200 * MIB);
    const table = sh('sfdisk', '-d', loop);
    expect(await growData(device, run)).toMatchObject({
      steps: [],
      reason: 'another partition lies behind the data partition; the partitions are left alone',
    });
    expect(sh('sfdisk', '-d', loop)).toBe(table);
  });

  it('says so when a program does not do what it should', async () => {
    const { device, enlarge } = disk(64 * MIB);
    enlarge(200 * MIB);
    const idle: Run = (program, args, options) =>
      program === 'resize2fs'
        ? Promise.resolve({ code: 0, stdout: '', stderr: '' })
        : run(program, args, options);
    await expect(growData(device, idle)).rejects.toMatchObject({ code: 'GROW_INCOMPLETE' });
  });
});

describe('the plan', () => {
  const facts = (over: Partial<DiskFacts>): DiskFacts => ({
    disk: '/dev/sda',
    device: '/dev/sda4',
    disk_bytes: 1000 * MIB,
    sector_bytes: 512,
    backupHeader_bytes: 1000 * MIB - 512,
    partition: { number: 4, start_bytes: 100 * MIB, size_bytes: 899 * MIB },
    partitions: [
      { number: 1, start_bytes: MIB, size_bytes: 99 * MIB },
      { number: 4, start_bytes: 100 * MIB, size_bytes: 899 * MIB },
    ],
    fileSystem_bytes: 899 * MIB,
    ...over,
  });

  it('does nothing on a disk that is as it should be', () => {
    expect(planGrow(facts({})).steps).toEqual([]);
  });

  it('grows only what is smaller than its place', () => {
    expect(planGrow(facts({ fileSystem_bytes: 500 * MIB })).steps).toEqual(['grow-file-system']);
    expect(planGrow(facts({ disk_bytes: 1001 * MIB })).steps).toEqual(['move-backup-table']);
    expect(planGrow(facts({ disk_bytes: 2000 * MIB })).steps).toHaveLength(3);
  });

  it('leaves a disk without GPT and a partition without ext4 alone', () => {
    expect(planGrow(facts({ disk_bytes: 2000 * MIB, backupHeader_bytes: null })).steps).toEqual([]);
    expect(planGrow(facts({ disk_bytes: 2000 * MIB, fileSystem_bytes: null })).steps).toEqual([]);
  });

  it('refuses what is no partition', () => {
    expect(() => readDiskFacts('/dev/null')).toThrow(expect.objectContaining({ code: 'GROW_NO_PARTITION' }));
  });
});
