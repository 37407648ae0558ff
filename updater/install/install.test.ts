import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { footerOffset } from '../../partitions/slot-blob.ts';
import { FAR, installLab, NEW, OLD, rootOf } from '../../test/unit/install-lab.ts';
import { writeBlocks } from '../bundle/write-bundle.ts';
import { TransferMeter } from '../fetch/meter.ts';
import { generateSigner } from '../testing/test-keys.ts';
import { installRelease } from './install.ts';
import { deltaSuffix, releasePlace } from './release-place.ts';
import { priceWays } from './ways.ts';

const lab = installLab();
const { image, url, full, delta, tools, install, inSlot, untouched } = lab;

describe('a release is installed', () => {
  test('whole, when there is nothing beside it, and armed only after the record of it is durable', async () => {
    await full('far');
    const result = await install(url('far.bundle'));
    expect(result).toMatchObject({ version: '1.2.0', slot: 'B', method: 'full' });
    expect(inSlot(FAR)).toBe(true);
    expect(lab.steps).toEqual(['discard', 'pending', 'arm']);
  });

  test('from a file, without asking anybody', async () => {
    await full('new');
    expect(await install(join(lab.folder, 'new.bundle'))).toMatchObject({ method: 'full', fetched_bytes: 0 });
    expect(inSlot(NEW)).toBe(true);
    expect(lab.server.requests).toEqual([]);
  });

  test('by the delta beside it, which is all that is fetched', async () => {
    await full('new');
    const { size_bytes } = await delta('new');
    const result = await install(url('new.bundle'));
    expect(result.method).toBe('delta');
    expect(inSlot(NEW)).toBe(true);
    expect(result.fetched_bytes).toBeLessThanOrEqual(size_bytes + 2);
    expect(lab.server.requests.every(({ path }) => path.includes('.from-'))).toBe(true);
  });

  test('by the blocks that the running slot does not hold, from the file beside it', async () => {
    const { manifest } = await full('new');
    await writeBlocks(join(lab.folder, 'new.bundle.blocks'), image('new'), manifest.slot.data_bytes);
    const result = await install(url('new.bundle'));
    expect(result.method).toBe('blocks');
    expect(inSlot(NEW)).toBe(true);
    expect(result.fetched_bytes).toBeLessThan(12 * 4096 + 20 * 1024);
  });

  test('by those blocks out of the pieces, where nobody laid them beside it', async () => {
    const { manifest } = await full('new');
    const result = await install(url('new.bundle'));
    expect(result.method).toBe('blocks');
    expect(inSlot(NEW)).toBe(true);
    const payload = manifest.sections.find(({ name }) => name === 'payload');
    expect(result.fetched_bytes).toBeLessThan((payload?.bytes ?? 0) * 0.8);
  });

  test('the next best way, when the better one is spoilt, and what did not work is said', async () => {
    await full('new');
    await delta('new');
    const path = join(lab.folder, `new.bundle${deltaSuffix(rootOf(OLD))}`);
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const result = await install(url('new.bundle'));
    expect(result.method).toBe('blocks');
    expect(inSlot(NEW)).toBe(true);
    expect(lab.events.find(({ event }) => event === 'method-failed')).toMatchObject({
      method: 'delta',
      code: 'UPDATE_PIECE_DAMAGED',
    });
  });

  test('whole, when one mirror has nothing beside it and the other is dead', async () => {
    await full('far');
    const place = releasePlace([url('far.bundle'), 'http://127.0.0.1:1/far.bundle'], { random: () => 0 });
    const wishes = { allowed: {}, reboot: 'no' } as const;
    expect(await installRelease(place, wishes, tools(new TransferMeter({})))).toMatchObject({
      method: 'full',
    });
    expect(inSlot(FAR)).toBe(true);
  });

  test('from a server that goes on behind every range, and is cut off there', async () => {
    await full('far');
    lab.server.mischief.set('far.bundle', { endless: true });
    expect(await install(url('far.bundle'))).toMatchObject({ method: 'full' });
    expect(inSlot(FAR)).toBe(true);
  });

  test('over a line that breaks at every turn', async () => {
    await full('far');
    lab.server.mischief.set('far.bundle', { cutEvery_bytes: 200_000 });
    const { fetched_bytes } = await install(url('far.bundle'));
    expect(inSlot(FAR)).toBe(true);
    expect(fetched_bytes).toBeLessThan(readFileSync(join(lab.folder, 'far.bundle')).length * 1.05);
  });
});

describe('before a byte of it is written', () => {
  const untouchedBy = async (promise: Promise<unknown>, code: string) => {
    await expect(promise).rejects.toMatchObject({ code });
    expect(lab.steps).toEqual([]);
    expect(untouched()).toBe(true);
  };

  test('a release signed by a stranger is refused', async () => {
    await full('new', generateSigner());
    await untouchedBy(install(url('new.bundle')), 'KEYS_UNKNOWN');
  });

  test('a release that needs more than the data cap is refused, unless a delta fits', async () => {
    await full('far');
    await untouchedBy(install(url('far.bundle'), {}, { fetch_max_bytes: 100_000 }), 'FETCH_DATA_CAP');
    await full('new');
    await delta('new');
    expect(await install(url('new.bundle'), {}, { fetch_max_bytes: 100_000 })).toMatchObject({
      method: 'delta',
    });
  });

  test('a release without a delta is refused where only that may be taken', async () => {
    await full('far');
    await untouchedBy(install(url('far.bundle'), { methods: ['delta', 'blocks'] }), 'UPDATE_NO_WAY');
  });

  test.each([
    ['is not there', 'nothing.bundle', {}, 'FETCH_NOT_FOUND'],
    ['leads elsewhere', 'new.bundle', { redirectTo: 'http://127.0.0.2:1/x' }, 'FETCH_REDIRECT_REFUSED'],
    ['lies about its length', 'new.bundle', { lieAbout_bytes: 4096 }, 'FETCH_LENGTH_WRONG'],
    ['never sends anything', 'new.bundle', { stallAfter_bytes: 0 }, 'FETCH_GAVE_UP'],
    ['knows no ranges', 'new.bundle', { ignoreRanges: true }, 'FETCH_RANGE_IGNORED'],
    [
      'knows no ranges and never ends',
      'new.bundle',
      { ignoreRanges: true, endless: true },
      'FETCH_SIZE_UNKNOWN',
    ],
  ] as const)('a server that %s is given up', async (_, name, mischief, code) => {
    await full('new');
    lab.server.mischief.set(name, mischief);
    await untouchedBy(install(url(name)), code);
  });

  test('a release that an update never came from is not taken as one', async () => {
    writeFileSync(join(lab.folder, 'x.bundle'), 'this is no bundle'.repeat(50));
    await untouchedBy(install(url('x.bundle')), 'BUNDLE_NOT_ONE');
    await full('new');
    writeFileSync(
      join(lab.folder, 'x.bundle'),
      readFileSync(join(lab.folder, 'new.bundle')).subarray(0, 5000),
    );
    await untouchedBy(install(url('x.bundle')), 'BUNDLE_TRUNCATED');
  });
});

test('a payload of another release leaves no slot and arms nothing', async () => {
  await full('new');
  await full('far');
  const good = readFileSync(join(lab.folder, 'new.bundle'));
  const other = readFileSync(join(lab.folder, 'far.bundle'));
  other.copy(good, 150_000, 150_000, Math.min(good.length, other.length));
  writeFileSync(join(lab.folder, 'new.bundle'), good);
  await expect(install(url('new.bundle'), { methods: ['full'] })).rejects.toMatchObject({
    code: 'UPDATE_PIECE_DAMAGED',
  });
  expect(lab.steps).toEqual(['discard']);
  expect(footerOffset(readFileSync(lab.device).subarray(0, 512))).toBeUndefined();
});

test('what each way would cost is told without taking one', async () => {
  await full('new');
  const { size_bytes } = await delta('new');
  const meter = new TransferMeter({});
  const place = releasePlace([url('new.bundle')], { meter });
  const ways = await priceWays(place, { allowed: {}, reboot: 'no' }, tools(meter));
  expect(ways.map(({ method, version, refusal }) => [method, version, refusal])).toEqual([
    ['delta', '1.1.0', null],
    ['blocks', '1.1.0', null],
    ['full', '1.1.0', null],
  ]);
  expect(ways[0]?.fetch_bytes).toBeLessThan(size_bytes);
  expect(lab.steps).toEqual([]);
  expect(untouched()).toBe(true);
});
