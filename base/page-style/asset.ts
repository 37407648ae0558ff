import { createHash } from 'node:crypto';
import { readAsset } from './read-asset.ts' with { type: 'macro' };

/** One file that a page needs, named by its content: a new version has a new address, so browsers may keep it for ever. */
export interface Asset {
  path: string;
  type: string;
  body: string;
  etag: string;
}

const HASH_DIGITS = 12;

export function makeAsset(name: string, extension: string, type: string, body: string): Asset {
  const hash = createHash('sha256').update(body).digest('hex').slice(0, HASH_DIGITS);
  return { path: `/assets/${name}.${hash}.${extension}`, type, body, etag: `"${hash}"` };
}

/** Assets carry their content in their name. */
export const KEEP_FOR_EVER = 'public, max-age=31536000, immutable';

/** The style of a page: what all of ours share, and then its own. @param own texts, in order */
export function makeStyle(name: string, own: readonly string[]): Asset {
  const shared = [
    readAsset('base/page-style/assets/tokens.css'),
    readAsset('base/page-style/assets/ground.css'),
  ];
  return makeAsset(name, 'css', 'text/css; charset=utf-8', [...shared, ...own].join('\n'));
}

/** The script of a page, and what makes one tree of elements equal to another. */
export function makeScript(name: string, own: string): Asset {
  const shared = readAsset('base/page-style/assets/morph.client.js');
  return makeAsset(name, 'js', 'text/javascript; charset=utf-8', `${own}\n${shared}`);
}
