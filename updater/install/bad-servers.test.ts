import { expect, test } from 'vitest';
import type { ServerMischief } from '../../test/qemu/harness/release-server.ts';
import { FAR, installLab } from '../../test/unit/install-lab.ts';

const lab = installLab();
const { full, install, url, steps } = lab;

test.each<[string, ServerMischief, string]>([
  [
    'sends a body without end for the whole file',
    { ignoreRanges: true, endless: true },
    'FETCH_SIZE_UNKNOWN',
  ],
  ['has no ranges to go on by', { ignoreRanges: true }, 'FETCH_RANGE_IGNORED'],
  ['sends nothing and keeps the line', { stallAfter_bytes: 0 }, 'FETCH_GAVE_UP'],
  ['announces more than was asked for', { lieAbout_bytes: 4096 }, 'FETCH_LENGTH_WRONG'],
  ['sends one elsewhere', { redirectTo: 'http://127.0.0.2:1/far.bundle' }, 'FETCH_REDIRECT_REFUSED'],
])('a server that %s is refused before anything is touched', async (_, mischief, code) => {
  await full('far');
  lab.server.mischief.set('far.bundle', mischief);
  await expect(install(url('far.bundle'))).rejects.toMatchObject({ code });
  expect(steps).toEqual([]);
  expect(lab.untouched()).toBe(true);
});

test('a server that goes on behind every range is cut off there, and what it sent is the release', async () => {
  await full('far');
  lab.server.mischief.set('far.bundle', { endless: true });
  expect(await install(url('far.bundle'))).toMatchObject({ method: 'full' });
  expect(lab.inSlot(FAR)).toBe(true);
});
