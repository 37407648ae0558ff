import { expect, test } from 'vitest';
import type { DeviceSummary } from '../devices/list.ts';
import { updateUnderWay } from './words.ts';

const device = (image_version: string, update: DeviceSummary['update']) =>
  ({ image_version, update }) as DeviceSummary;

test.each([
  ['nothing was ever said', null, null],
  ['it runs what it has kept', { version: '0.1.0', state: 'succeeded' }, null],
  ['it fetches another version', { version: '0.2.0', state: 'downloading' }, 'downloading 0.2.0'],
  ['the next one was given up', { version: '0.2.0', state: 'rolled_back' }, 'rolled back 0.2.0'],
  [
    'what it kept is not yet what was reported to run',
    { version: '0.2.0', state: 'succeeded' },
    'succeeded 0.2.0',
  ],
] as const)('beside the version of an appliance: %s', (_, update, words) => {
  expect(updateUnderWay(device('0.1.0', update))).toBe(words);
});
