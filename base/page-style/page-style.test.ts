import { describe, expect, test } from 'vitest';
import { readAsset } from './read-asset.ts';

describe('colours', () => {
  const css = readAsset('base/page-style/assets/tokens.css');
  const [light = '', dark = ''] = css.split('@media (prefers-color-scheme: dark)');
  const pairs: [string, string][] = [
    ['ink', 'page'],
    ['ink', 'panel'],
    ['soft', 'page'],
    ['soft', 'panel'],
    ['sea', 'page'],
    ['sea', 'panel'],
    ['on-sea', 'sea'],
    ['panel', 'sea'],
    ...['good', 'bad', 'wait', 'plain'].flatMap((tone): [string, string][] => [
      [tone, `${tone}-ground`],
      [tone, 'panel'],
      ['ink', `${tone}-ground`],
      ['soft', `${tone}-ground`],
    ]),
  ];
  test.each([
    ['light', light],
    ['dark', dark],
  ])('%s: every text has the contrast that WCAG 2.2 AA asks for (4.5 : 1)', (_, text) => {
    const colours = new Map(
      [...text.matchAll(/--([a-z-]+): (#[0-9a-f]{6})/g)].map(([, name, value]) => [name, value]),
    );
    for (const [ink, ground] of pairs) {
      expect(
        contrast(colours.get(ink) ?? '', colours.get(ground) ?? ''),
        `${ink} on ${ground}`,
      ).toBeGreaterThan(4.5);
    }
  });
});

/** Relative luminance and contrast as WCAG 2.2 defines them. */
function contrast(one: string, other: string): number {
  const luminance = (hex: string) => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5]
      .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}
