import { type Asset, makeAsset, makeScript, makeStyle } from '../../base/page-style/asset.ts';
import { readAsset } from '../../base/page-style/read-asset.ts' with { type: 'macro' };

export const STYLE = makeStyle('coordinator', [
  readAsset('coordinator/pages/assets/layout.css'),
  readAsset('coordinator/pages/assets/parts.css'),
]);

/** Keeps pages true, counts whom a query means, shows how far an upload is. Every page is complete without it. */
export const SCRIPT = makeScript('coordinator', readAsset('coordinator/pages/assets/live.client.js'));

/** A hull with one bulkhead, one compartment lit. */
export const ICON = makeAsset(
  'coordinator',
  'svg',
  'image/svg+xml',
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><rect width="48" height="48" rx="12" fill="#0c5a72"/><path fill="#bcd8e0" d="M7 15h17v18h-6C12 33 8 26 7 15z"/><path fill="none" stroke="#fff" stroke-width="3" stroke-linejoin="round" d="M7 15h34c-1 11-5 18-11 18H18C12 33 8 26 7 15zM24 15v18"/></svg>`,
);

export const ASSETS: readonly Asset[] = [STYLE, SCRIPT, ICON];
