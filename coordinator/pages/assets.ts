import { createHash } from 'node:crypto';
import { readAsset } from './read-asset.ts' with { type: 'macro' };

/** A file that pages need, named by its content: browsers may keep it for ever. */
export interface Asset {
  path: string;
  type: string;
  body: string;
}

const HASH_DIGITS = 12;

function asset(name: string, extension: string, type: string, body: string): Asset {
  const hash = createHash('sha256').update(body).digest('hex').slice(0, HASH_DIGITS);
  return { path: `/assets/${name}.${hash}.${extension}`, type, body };
}

export const STYLE = asset(
  'coordinator',
  'css',
  'text/css; charset=utf-8',
  [readAsset('tokens.css'), readAsset('layout.css'), readAsset('parts.css')].join('\n'),
);

/** A hull with one bulkhead, one compartment lit. */
export const ICON = asset(
  'coordinator',
  'svg',
  'image/svg+xml',
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><rect width="48" height="48" rx="12" fill="#0c5a72"/><path fill="#bcd8e0" d="M7 15h17v18h-6C12 33 8 26 7 15z"/><path fill="none" stroke="#fff" stroke-width="3" stroke-linejoin="round" d="M7 15h34c-1 11-5 18-11 18H18C12 33 8 26 7 15zM24 15v18"/></svg>`,
);

export const ASSETS: readonly Asset[] = [STYLE, ICON];
