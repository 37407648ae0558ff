import { renameSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FAR, flipBit, HALF, installLab, NEW, OLD, rootOf } from '../../test/unit/install-lab.ts';
import type { InstallTools } from './install.ts';
import { deltaSuffix } from './release-place.ts';

const lab = installLab();
const { bundleFile, url, full, blocks, delta, install, inSlot, untouched, steps, events } = lab;
const deltaOf = (name: string) => `${bundleFile(name)}${deltaSuffix(rootOf(OLD))}`;

describe('of several ways', () => {
  test('the cheapest is taken, and one that exceeds the data cap stands in the way of none', async () => {
    await full('new');
    await blocks('new');
    // A delta that is far larger than the blocks that differ.
    await delta('half');
    renameSync(deltaOf('half'), deltaOf('new'));
    expect(statSync(deltaOf('new')).size).toBeGreaterThan(1024 * 1024);
    const result = await install(url('new.bundle'), {}, { fetch_max_bytes: 1024 * 1024 });
    expect(result.method).toBe('blocks');
    expect(inSlot(NEW)).toBe(true);
    expect(result.fetched_bytes).toBeLessThan(200_000);
    expect(events.filter(({ event }) => event === 'method-failed')).toEqual([]);
  });

  test('the next cheapest follows when the cheapest turns out to be spoilt', async () => {
    await full('half');
    await blocks('half');
    await delta('half');
    flipBit(deltaOf('half'), -1);
    const result = await install(url('half.bundle'));
    expect(result.method).not.toBe('delta');
    expect(inSlot(HALF)).toBe(true);
  });

  test('those that there are not are looked for once', async () => {
    await full('far');
    flipBit(bundleFile('far'), Math.floor(statSync(bundleFile('far')).size * 0.6));
    await expect(install(url('far.bundle'))).rejects.toMatchObject({ code: 'UPDATE_PIECE_DAMAGED' });
    const asked = lab.server.requests.filter(
      ({ path }) => path.includes('.from-') || path.endsWith('.blocks'),
    );
    expect(asked.map(({ status }) => status)).toEqual([404, 404]);
  });

  test('the one that a transfer was begun by is gone on with', async () => {
    await full('half');
    await blocks('half');
    const stop = new AbortController();
    const stopping: Partial<InstallTools> = {
      signal: stop.signal,
      onEvent: (event) => event.event === 'progress' && event.done_bytes > 5_000_000 && stop.abort(),
    };
    await expect(install(url('half.bundle'), { methods: ['full'] }, stopping)).rejects.toThrow('stopped');
    const result = await install(url('half.bundle'));
    expect(result.method).toBe('full');
    expect(result.fetched_bytes).toBeLessThan(1_500_000);
    expect(inSlot(HALF)).toBe(true);
  });
});

describe('from a file', () => {
  test.each([
    ['a piece', 0.6],
    ['the last piece', 0.99],
  ])('a flipped bit in %s is found before anything is changed', async (_, share) => {
    await full('far');
    const file = bundleFile('far');
    flipBit(file, Math.floor(statSync(file).size * share));
    await expect(install(file)).rejects.toMatchObject({ code: 'UPDATE_PIECE_DAMAGED' });
    expect(steps).toEqual([]);
    expect(untouched()).toBe(true);
  });

  test('a whole one is installed', async () => {
    await full('far');
    await install(bundleFile('far'));
    expect(inSlot(FAR)).toBe(true);
  });
});
