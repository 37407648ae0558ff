import { type Asset, makeAsset, makeScript, makeStyle } from '../base/page-style/asset.ts';
import { readAsset } from '../base/page-style/read-asset.ts' with { type: 'macro' };

export const STYLE = makeStyle('style', [
  readAsset('status-page/assets/layout.css'),
  readAsset('status-page/assets/parts.css'),
  readAsset('status-page/assets/cards.css'),
  readAsset('status-page/assets/updates.css'),
  readAsset('status-page/assets/compliance.css'),
  readAsset('status-page/assets/site.css'),
]);

export const SCRIPT = makeScript('live', readAsset('status-page/assets/live.client.js'));

/** How the appliance is, as shown by colour, word and shape alike. */
export type Tone = 'good' | 'bad' | 'warn' | 'wait' | 'unknown';

/** The shape inside the icon: a tick, a cross, an exclamation mark, three dots, a question mark. */
const GLYPHS: Record<Tone, [colour: string, path: string]> = {
  good: ['#1b7a55', 'M9 17l5 5 10-11'],
  bad: ['#b3322a', 'M10 10l12 12M22 10L10 22'],
  warn: ['#8a5a00', 'M16 8v10M16 24v.1'],
  wait: ['#8a5a00', 'M8 16v.1M16 16v.1M24 16v.1'],
  unknown: ['#55656e', 'M12 12a4 4 0 1 1 5.5 3.7Q16 16.5 16 19M16 23v.2'],
};

function icon(tone: Tone): Asset {
  const [colour, path] = GLYPHS[tone];
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="${colour}"/>` +
    `<path d="${path}" fill="none" stroke="#fff" stroke-width="3.5" stroke-linecap="round" stroke-linejoin="round"/></svg>`;
  return makeAsset(`icon-${tone}`, 'svg', 'image/svg+xml', svg);
}

/** The icon of a browser tab tells the state before the tab is opened. */
export const ICONS: Record<Tone, Asset> = {
  good: icon('good'),
  bad: icon('bad'),
  warn: icon('warn'),
  wait: icon('wait'),
  unknown: icon('unknown'),
};

const byPath = new Map([STYLE, SCRIPT, ...Object.values(ICONS)].map((each) => [each.path, each]));

export function findAsset(path: string): Asset | undefined {
  return byPath.get(path);
}
