import { expect, test } from 'vitest';
import type { DeviceSummary } from '../devices/list.ts';
import { placeOf, updateUnderWay } from './words.ts';

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

test('a subject of an alarm leads to the page where something can be done about it', () => {
  const id = '01a200b5-7615-77c7-a44f-aa9816d5502d';
  const at = (subject: string) => placeOf(subject)?.href;
  expect(at(`device:${id}`)).toBe(`/devices/${id}`);
  expect(at(`rollout:${id}`)).toBe(`/rollouts/${id}`);
  expect(at(`job:${id}`)).toBe(`/builds/${id}`);
  expect(at(`project:${id}`)).toBe(`/builds?project_id=${id}`);
  expect(at(`channel:${id}`)).toBe('/alarms/channels');
  for (const subject of ['coordinator', 'job:', 'job:../x', `user:${id}`])
    expect(at(subject)).toBeUndefined();
});
