import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { flipBit, HALF, installLab } from '../../test/unit/install-lab.ts';
import type { Method } from '../state/records.ts';
import type { InstallTools } from './install.ts';

const lab = installLab();
const { bundleFile, url, full, blocks, delta, install, inSlot, events } = lab;

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
