import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, runOrThrow } from '../../base/run.ts';
import { FAR, installLab } from '../../test/unit/install-lab.ts';
import { roomNeeded } from './data-room.ts';

const MIB = 1024 ** 2;
const lab = installLab();
const { url, full, install, inSlot, untouched, steps } = lab;

test('the room that is asked for grows with what is fetched, and stays far below it', () => {
  expect(roomNeeded(0).bytes).toBeGreaterThan(MIB);
  expect(roomNeeded(150 * MIB).bytes).toBeGreaterThan(roomNeeded(3 * MIB).bytes);
  expect(roomNeeded(150 * MIB).bytes).toBeLessThan(8 * MIB);
});

describe.runIf(process.getuid?.() === 0)('on a data partition of its own (needs root)', () => {
  let data: string;
  const journalFile = () => join(data, 'update/transfer.jsonl');
  const partition = (options: string) =>
    runOrThrow(run, 'mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', data]);
  const unmount = () => runOrThrow(run, 'umount', [data]);
  beforeAll(() => {
    data = mkdtempSync(join(tmpdir(), 'bulkhead-data-'));
  });
  afterAll(() => rmSync(data, { recursive: true }));

  test.each([
    ['bytes', 'size=2m', 1.5 * MIB, 'are free'],
    ['files', 'size=32m,nr_inodes=12', 0, 'more files'],
  ])(
    'too few %s are told before the slot to fall back to is given up',
    async (_, options, taken_bytes, why) => {
      await partition(options);
      try {
        writeFileSync(join(data, 'taken'), Buffer.alloc(taken_bytes));
        await full('far');
        const refused = install(url('far.bundle'), {}, { journalFile: journalFile() });
        await expect(refused).rejects.toMatchObject({
          code: 'UPDATE_STATE_NO_ROOM',
          message: expect.stringContaining(why),
        });
        expect(steps).toEqual([]);
        expect(untouched()).toBe(true);
      } finally {
        await unmount();
      }
    },
  );

  test('a release goes through where there is room', async () => {
    await partition('size=32m');
    try {
      await full('far');
      await install(url('far.bundle'), {}, { journalFile: journalFile() });
      expect(inSlot(FAR)).toBe(true);
    } finally {
      await unmount();
    }
  });
});
