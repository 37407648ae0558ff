import { createHash } from 'node:crypto';
import { readAsset } from './read-asset.ts' with { type: 'macro' };

/** One file the page needs, named by its content: a new version has a new address, so browsers may keep it for ever. */
export interface Asset {
  path: string;
  type: string;
  body: string;
  etag: string;
}

const HASH_DIGITS = 12;

function asset(name: string, extension: string, type: string, body: string): Asset {
  const hash = createHash('sha256').update(body).digest('hex').slice(0, HASH_DIGITS);
  return { path: `/assets/${name}.${hash}.${extension}`, type, body, etag: `"${hash}"` };
}

export const STYLE = asset(
  'style',
  'css',
  'text/css; charset=utf-8',
  [
    readAsset('tokens.css'),
    readAsset('layout.css'),
    readAsset('parts.css'),
    readAsset('cards.css'),
    readAsset('updates.css'),
  ].join('\n'),
);

export const SCRIPT = asset('live', 'js', 'text/javascript; charset=utf-8', readAsset('live.client.js'));

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
  return asset(`icon-${tone}`, 'svg', 'image/svg+xml', svg);
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
