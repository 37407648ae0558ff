import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FAR, flipBit, installLab } from '../../test/unit/install-lab.ts';
import { generateSigner } from '../testing/test-keys.ts';

const lab = installLab();
const { bundleFile, url, full, install, inSlot, steps, events } = lab;

/** The release on the second of two mirrors, and on the first what `spoil` makes of it. */
async function spoiltFirst(spoil: (file: string) => void): Promise<string[]> {
  await full('far');
  copyFileSync(bundleFile('far'), bundleFile('spoilt'));
  spoil(bundleFile('spoilt'));
  return [url('spoilt.bundle'), url('far.bundle')];
}

describe('a release comes whole from the second mirror when the first', () => {
  test.each<[string, (file: string) => void]>([
    ['has a flipped bit in a piece', (file) => flipBit(file, Math.floor(statSync(file).size * 0.6))],
    ['has a flipped bit in the signed head', (file) => flipBit(file, 200)],
    ['is the page of a captive portal', (file) => writeFileSync(file, '<html>sign in</html>'.repeat(40))],
    ['was cut short', (file) => writeFileSync(file, readFileSync(file).subarray(0, 100_000))],
    [
      'has more behind it',
      (file) => writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.alloc(4096)])),
    ],
  ])('%s', async (_, spoil) => {
    const mirrors = await spoiltFirst(spoil);
    expect(await install(mirrors, { methods: ['full'] })).toMatchObject({ method: 'full' });
    expect(inSlot(FAR)).toBe(true);
    expect(events.filter(({ event }) => event === 'method-failed')).toEqual([]);
  });

  test('holds a release of a stranger', async () => {
    await full('far', generateSigner());
    copyFileSync(bundleFile('far'), bundleFile('spoilt'));
    await full('far');
    await install([url('spoilt.bundle'), url('far.bundle')]);
    expect(inSlot(FAR)).toBe(true);
  });
});

test('with only spoilt mirrors the release is refused for what is wrong with it', async () => {
  const mirrors = await spoiltFirst((file) => flipBit(file, 200_000));
  flipBit(bundleFile('far'), 200_000);
  await expect(install(mirrors, { methods: ['full'] })).rejects.toMatchObject({
    code: 'UPDATE_PIECE_DAMAGED',
  });
  expect(steps).toEqual(['discard']);
});
