import { expect, test } from 'vitest';
import { describeStaleDisk, planStaleDisk, planStart } from './plan.ts';

const disk = { version: '0.1.0', iso_sha256: 'aa' };
const url = 'http://localhost:8080';

test.each([
  ['nothing there: install', {}, false, 'install'],
  ['an installed disk: boot it', { disk }, false, 'boot'],
  ['an installed disk and --fresh: install', { disk }, true, 'install'],
  ['a running appliance: show it', { disk, running: { pid: 7, url } }, false, 'show'],
  ['a running appliance and --fresh: refuse', { disk, running: { pid: 7, url } }, true, 'refuse'],
  ['another start that is still installing: refuse', { running: { pid: 7 } }, false, 'refuse'],
])(
  '%s',
  (_, { disk, running }: { disk?: typeof found.disk; running?: typeof found.running }, fresh, kind) => {
    expect(planStart({ disk, running }, { fresh }).kind).toBe(kind);
  },
);

test('a refusal names the process to end', () => {
  const plan = planStart({ disk, running: { pid: 7, url } }, { fresh: true });
  expect(plan).toMatchObject({
    reason: expect.stringContaining(url),
    hint: expect.stringContaining('kill 7'),
  });
});

test('a disk of another build is named with the way to refresh it', () => {
  expect(describeStaleDisk(disk, disk)).toBeUndefined();
  expect(describeStaleDisk(disk, { version: '0.1.0', iso_sha256: 'bb' })).toMatch(
    /older build of 0.1.0.*--fresh/,
  );
  expect(describeStaleDisk(disk, { version: '0.2.0', iso_sha256: 'bb' })).toMatch(/0.1.0, the ISO is 0.2.0/);
});

test.each([
  ['of this image is kept', undefined, true, false, 'keep'],
  ['of another image is kept for somebody who looks', 'stale', false, false, 'keep'],
  ['of another image is installed anew for a check', 'stale', true, false, 'install'],
  ['of another image that runs fails the check', 'stale', true, true, 'refuse'],
  ['of another image that runs may be looked at', 'stale', false, true, 'keep'],
] as const)('a disk %s', (_, stale, check, running, expected) => {
  expect(planStaleDisk(stale, { check, running })).toBe(expected);
});

declare const found: Parameters<typeof planStart>[0];
