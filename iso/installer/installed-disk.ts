import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { run, runOrThrow } from '../../base/run.ts';
import { initialState, parseBootState } from '../../partitions/boot-state.ts';
import { listDisks } from '../../partitions/disks.ts';
import { parseEnvBlock } from '../../partitions/env-block.ts';
import type { LayoutIds } from '../../partitions/layout-sfdisk.ts';
import { listFatFolder, readEspFile } from './esp.ts';
import { findInstallation, type Installation } from './installed-before.ts';
import { type Lab, type LoopDisk, labEffects } from './loop-lab.ts';

/**
 * For tests: everything a disk promises after a finished installation, read by other programs than those that wrote it
 * wherever there are any.
 *
 * @param ids identifiers the disk has to carry; null: those it carries
 */
export async function expectInstalled(lab: Lab, disk: LoopDisk, ids: LayoutIds | null): Promise<void> {
  const node = (number: number) => `${disk.path}p${number}`;
  const { partitiontable } = JSON.parse(await runOrThrow(run, 'sfdisk', ['--json', disk.path]));
  const uuids = partitiontable.partitions.map((row: { uuid: string }) => row.uuid.toLowerCase());
  if (ids) expect(uuids).toEqual([ids.esp, ids.A, ids.B, ids.data]);

  await runOrThrow(run, 'cmp', ['--bytes', String(lab.manifest.blob_bytes), lab.image, node(2)]);
  await runOrThrow(run, 'veritysetup', [
    ...['verify', '--hash-offset', String(lab.manifest.data_bytes)],
    ...[node(2), node(2), lab.manifest.verity.root_hash],
  ]);
  await runOrThrow(run, 'cmp', ['--bytes', '4096', '/dev/zero', node(3)]);

  const effects = labEffects(lab);
  const read = (path: string) => readEspFile(effects, node(1), path);
  expect((await listFatFolder(effects, node(1), '/')).sort()).toEqual(['EFI/', 'ab_state', 'bulkhead/']);
  const loader = readFileSync(join(lab.bootFiles, 'BOOTX64.EFI'));
  expect(Buffer.from(await read('/EFI/BOOT/BOOTX64.EFI')).equals(loader)).toBe(true);
  expect(Buffer.from(await read('/bulkhead/grub.cfg')).toString()).toBe('# a script\n');
  expect(parseEnvBlock(await read('/bulkhead/layout.env'))).toEqual({
    root_a_uuid: uuids[1],
    root_b_uuid: uuids[2],
  });
  const state = await read('/ab_state');
  expect(state.length).toBe(512);
  expect(parseBootState(state)).toEqual(initialState('A'));
  expect(parseEnvBlock(await read('/bulkhead/installed.env'))).toEqual({
    installed_version: '1.2.3',
    installed_at: '2026-11-21T12:00:00.000Z',
  });

  const esp = await runOrThrow(run, 'blkid', ['-p', '-o', 'export', node(1)]);
  expect(esp).toMatch(/^LABEL=ESP$/m);
  expect(esp).toMatch(/^VERSION=FAT32$/m);
  await runOrThrow(run, 'fsck.vfat', ['-n', node(1)]);
  const data = await runOrThrow(run, 'blkid', ['-p', '-o', 'export', node(4)]);
  expect(data).toMatch(/^LABEL=MSP-DATA$/m);
  expect(data).toMatch(/^TYPE=ext4$/m);
  await runOrThrow(run, 'e2fsck', ['-f', '-n', node(4)]);
}

/** What an installer would take the disk for. */
export async function installationOn(lab: Lab, disk: LoopDisk): Promise<Installation['kind']> {
  const name = disk.path.slice('/dev/'.length);
  const listed = listDisks().find((other) => other.name === name);
  if (!listed) throw new Error(`${disk.path} is not there`);
  return (await findInstallation(listed, labEffects(lab))).kind;
}

/** The disk carries the mark of a finished installation. */
export async function isMarked(lab: Lab, disk: LoopDisk): Promise<boolean> {
  return (await installationOn(lab, disk)) === 'finished';
}
