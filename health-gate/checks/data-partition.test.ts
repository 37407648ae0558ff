import { existsSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { InitrdReport } from '../../partitions/initrd-report.ts';
import type { CheckContext } from '../check.ts';
import { LabMachine, mountExt4 } from '../lab/machine.ts';
import { dataPartition } from './data-partition.ts';
import { diskSpace } from './disk-space.ts';

let machine: LabMachine;
beforeEach(() => {
  machine = new LabMachine();
});
afterEach(() => machine.remove());

/** The machine with the mounts of this very system, and a report that names `data`. */
function context(data: string | null, report: Partial<InitrdReport> = {}): CheckContext {
  const base = machine.context();
  return {
    ...base,
    paths: { ...machine.paths, procFolder: '/proc' },
    initrd: { ...base.initrd, data, dataState: 'ok', ...report },
  };
}

const find = (check: CheckContext) => dataPartition.find(check, new AbortController().signal);

describe('without a data partition', () => {
  test('what the initrd says about it is the failure', async () => {
    const finding = await find(context(null, { dataState: 'failed', dataMessage: 'fsck ended with 4' }));
    expect(finding).toEqual({
      outcome: 'fail',
      message: 'the initrd found the data partition failed: fsck ended with 4',
    });
  });

  test('a folder where it should be mounted does not pass for it', async () => {
    const finding = await find(context('/dev/zero'));
    expect(finding).toEqual({ outcome: 'fail', message: `nothing is mounted at ${machine.paths.dataMount}` });
    expect(existsSync(machine.paths.dataProbeFolder)).toBe(false);
  });

  test('a live boot is not asked', async () => {
    expect((await find({ ...context(null), live: true })).outcome).toBe('skipped');
  });
});

describe.skipIf(process.getuid?.() !== 0)('with a mounted file system', () => {
  const size_bytes = 8 * 1024 * 1024;

  test('passes when it is the right one and keeps what is written, and leaves nothing behind', async () => {
    const disk = await mountExt4(machine.paths.dataMount, { size_bytes, label: 'MSP-DATA' });
    try {
      expect(await find(context(disk.device))).toEqual({
        outcome: 'pass',
        message: `${disk.device} is mounted at ${machine.paths.dataMount} and keeps what is written`,
      });
      expect(readdirSync(machine.paths.dataProbeFolder)).toEqual([]);
    } finally {
      await disk.unmount();
    }
  });

  test('fails when it is another device than the initrd found', async () => {
    const disk = await mountExt4(machine.paths.dataMount, { size_bytes, label: 'MSP-DATA' });
    try {
      const { outcome, message } = await find(context('/dev/zero'));
      expect(outcome).toBe('fail');
      expect(message).toMatch(/^\/dev\/loop\d+ \(7:\d+\) is mounted at .*, not \/dev\/zero \(1:5\)$/);
    } finally {
      await disk.unmount();
    }
  });

  test('fails when the label is another one', async () => {
    const disk = await mountExt4(machine.paths.dataMount, { size_bytes, label: 'BACKUP' });
    try {
      const { outcome, message } = await find(context(disk.device));
      expect(outcome).toBe('fail');
      expect(message).toBe(`${disk.device} is labelled 'BACKUP', not 'MSP-DATA'`);
    } finally {
      await disk.unmount();
    }
  });

  test('fails when it is mounted read-only', async () => {
    const disk = await mountExt4(machine.paths.dataMount, { size_bytes, label: 'MSP-DATA' });
    try {
      await disk.remount('ro');
      expect(await find(context(disk.device))).toEqual({
        outcome: 'fail',
        message: `${disk.device} is mounted read-only`,
      });
    } finally {
      await disk.unmount();
    }
  });

  test('fails when it is full, and the space check says how full', async () => {
    const disk = await mountExt4(machine.paths.dataMount, { size_bytes, label: 'MSP-DATA' });
    try {
      const filler = Bun.spawnSync(['dd', 'if=/dev/zero', `of=${machine.paths.dataMount}/filler`, 'bs=4k']);
      expect(filler.exitCode).not.toBe(0);
      await expect(find(context(disk.device))).rejects.toThrow(/ENOSPC/);
      const { outcome, message } = await diskSpace.find(context(disk.device), new AbortController().signal);
      expect(outcome).toBe('fail');
      expect(message).toMatch(/^(0 B|[\d.]+ KiB) free at .*, at least 64\.0 MiB are needed$/);
    } finally {
      await disk.unmount();
    }
  });

  test('a disk with room passes the space check', async () => {
    const disk = await mountExt4(machine.paths.dataMount, {
      size_bytes: 96 * 1024 * 1024,
      label: 'MSP-DATA',
    });
    try {
      const { outcome } = await diskSpace.find(context(disk.device), new AbortController().signal);
      expect(outcome).toBe('pass');
    } finally {
      await disk.unmount();
    }
  });
});
