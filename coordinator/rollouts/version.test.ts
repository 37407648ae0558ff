import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareVersions, nextHop, parseVersion, type Version } from './version.ts';

const v = (text: string): Version => {
  const version = parseVersion(text);
  if (version === undefined) throw new Error(`${text} is no version`);
  return version;
};

test('only what a bundle can carry is a version', () => {
  for (const text of ['1.2.0', '1.2.0-rc.1', '0.0.0+build.7']) expect(parseVersion(text)).toBe(text);
  for (const text of ['', '1.2', 'v1.2.0', '1.2.0-', 'latest', '1.2.0 '])
    expect(parseVersion(text)).toBeUndefined();
});

test('the order is that of Semantic Versioning, section 11', () => {
  const rising = [
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '1.9.0',
    '1.10.0',
    '2.0.0',
  ].map(v);
  rising.forEach((a, i) => {
    rising.forEach((b, k) => {
      expect(compareVersions(a, b), `${a} and ${b}`).toBe(Math.sign(i - k));
    });
  });
  expect(compareVersions(v('1.0.0+a'), v('1.0.0+b'))).toBe(0);
});

test('a way goes through every floor between, one after the other', () => {
  const floors = ['3.0.0', '1.5.0', '2.0.0'].map(v);
  const way = (from: string, goal: string) => {
    const hops = [v(from)];
    while (hops.at(-1) !== goal) hops.push(nextHop(hops.at(-1) ?? v(from), v(goal), floors));
    return hops.slice(1);
  };
  expect(way('1.0.0', '3.1.0')).toEqual(['1.5.0', '2.0.0', '3.0.0', '3.1.0']);
  expect(way('1.5.0', '2.0.0')).toEqual(['2.0.0']);
  expect(way('2.5.0', '2.6.0')).toEqual(['2.6.0']);
  expect(way('3.1.0', '1.0.0')).toEqual(['1.0.0']);
});

test('no floor is ever jumped over, and every way ends', () => {
  const version = fc.tuple(fc.nat(4), fc.nat(4), fc.nat(4)).map((parts) => v(parts.join('.')));
  fc.assert(
    fc.property(version, version, fc.array(version, { maxLength: 8 }), (from, goal, floors) => {
      let at = from;
      for (let hops = 0; at !== goal; hops += 1) {
        const next = nextHop(at, goal, floors);
        expect(hops).toBeLessThanOrEqual(floors.length + 1);
        for (const floor of floors) {
          const between = compareVersions(floor, at) > 0 && compareVersions(floor, next) < 0;
          expect(between).toBe(false);
        }
        at = next;
      }
    }),
  );
});
