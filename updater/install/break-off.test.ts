import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { footerOffset } from '../../partitions/slot-blob.ts';
import { flipBit, HALF, installLab } from '../../test/unit/install-lab.ts';
import type { Method } from '../state/records.ts';
import type { InstallTools } from './install.ts';

const lab = installLab();
const { bundleFile, url, full, blocks, delta, install, inSlot, steps, events } = lab;

/** What these ways need on the server. */
async function publish(...ways: readonly Method[]): Promise<void> {
  await full('half');
  if (ways.includes('blocks')) await blocks('half');
  if (ways.includes('delta')) await delta('half');
}

/** Tools with which an installation is stopped at the first progress that fits. */
function stoppingAt(
  fits: (progress: { phase: string; done_bytes: number }) => boolean,
): Partial<InstallTools> {
  const stop = new AbortController();
  return {
    signal: stop.signal,
    onEvent: (event) => {
      if (event.event === 'progress' && fits(event)) stop.abort();
    },
  };
}

const failedWays = () => events.flatMap((event) => (event.event === 'method-failed' ? [event.code] : []));

describe('a transfer that broke off', () => {
  const pairs = [
    ['blocks', 'full'],
    ['full', 'blocks'],
    ['delta', 'blocks'],
  ] as const;

  test.each(pairs)('by %s is finished by %s', async (first, second) => {
    await publish(first, second);
    const stopping = stoppingAt(({ done_bytes }) => done_bytes > 2_500_000);
    await expect(install(url('half.bundle'), { methods: [first] }, stopping)).rejects.toMatchObject({
      code: 'UPDATE_STOPPED',
    });
    expect(existsSync(join(lab.folder, 'transfer.jsonl'))).toBe(true);
    const result = await install(url('half.bundle'), { methods: [second] });
    expect(result.method).toBe(second);
    expect(inSlot(HALF)).toBe(true);
    expect(failedWays()).toEqual([]);
  });

  test('over the network is finished from a file', async () => {
    await publish('blocks');
    const stopping = stoppingAt(({ done_bytes }) => done_bytes > 2_500_000);
    const wishes = { methods: ['blocks'] } as const;
    await expect(install(url('half.bundle'), wishes, stopping)).rejects.toThrow('stopped');
    await install(bundleFile('half'), { methods: ['full'] });
    expect(inSlot(HALF)).toBe(true);
  });

  test('because the blocks on the server are spoilt is finished by everything, in the same run', async () => {
    await publish('blocks');
    const file = `${bundleFile('half')}.blocks`;
    // In the blocks that differ, behind the first checkpoint.
    flipBit(file, Math.floor(statSync(file).size * 0.24));
    const result = await install(url('half.bundle'));
    expect(failedWays()).toEqual(['BLOCKS_MISMATCH']);
    expect(result.method).toBe('full');
    expect(inSlot(HALF)).toBe(true);
  });
});

describe('an update that is stopped', () => {
  test('while it reads back arms nothing, leaves no slot, and goes on without fetching it again', async () => {
    await full('half');
    const stopping = stoppingAt(({ phase, done_bytes }) => phase === 'read-back' && done_bytes > 500_000);
    await expect(install(url('half.bundle'), { methods: ['full'] }, stopping)).rejects.toMatchObject({
      code: 'UPDATE_STOPPED',
    });
    expect(steps).toEqual(['discard']);
    expect(footerOffset(readFileSync(lab.device).subarray(0, 512))).toBeUndefined();
    const result = await install(url('half.bundle'), { methods: ['full'] });
    expect(result.fetched_bytes).toBeLessThan(1024 * 1024);
    expect(inSlot(HALF)).toBe(true);
  });

  test('when everything is read back arms nothing', async () => {
    await full('half');
    const stopping = stoppingAt(
      ({ phase, done_bytes }) => phase === 'read-back' && done_bytes === 1510 * 4096,
    );
    await expect(install(url('half.bundle'), {}, stopping)).rejects.toMatchObject({ code: 'UPDATE_STOPPED' });
    expect(steps).toEqual(['discard']);
  });
});

describe('no other way is tried', () => {
  test('when the journal cannot be written', async () => {
    await publish('blocks');
    mkdirSync(join(lab.folder, 'transfer.jsonl'));
    await expect(install(url('half.bundle'))).rejects.toMatchObject({ code: 'UPDATE_STATE_UNWRITABLE' });
    expect(steps).toEqual(['discard']);
    expect(failedWays()).toEqual([]);
  });

  test('when the slot is whole and cannot be armed, whatever the reason', async () => {
    await publish('blocks');
    const boot = {
      ...{ id: 'boot-1', armed: async () => null },
      discard: async () => void steps.push('discard'),
      arm: async () => {
        steps.push('arm');
        throw new Error('no space left on device');
      },
    };
    await expect(install(url('half.bundle'), {}, { boot })).rejects.toThrow('no space left');
    expect(steps).toEqual(['discard', 'pending', 'arm']);
    expect(inSlot(HALF)).toBe(true);
  });
});
