import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { storeBill } from './store-bill.ts';

test('the bill of a NixOS tree names what has a version in its store, each output once, and leaves out what has none', () => {
  const tree = makeFolder('store-bill');
  const hash = 'wvardl4xys0dl18xrrfxlsfswpbx94dp';
  for (const name of [
    'systemd-257.9',
    'glibc-2.40-66',
    'unit-compliance-agent.service',
    'etc',
    'util-linux-2.41.2-lib',
  ])
    mkdirSync(join(tree, 'nix/store', `${hash}-${name}`), { recursive: true });
  const bill = JSON.parse(storeBill(tree, '0.1.0', { id: 'abc', time: '2026-01-01T00:00:00Z' })) as {
    components: { name: string; version: string; purl: string }[];
  };
  expect(bill.components.map(({ name, version }) => `${name} ${version}`)).toEqual([
    'glibc 2.40-66',
    'systemd 257.9',
    'util-linux 2.41.2-lib',
  ]);
  expect(bill.components[0]?.purl).toBe(`pkg:generic/glibc@2.40-66?nix=${hash}`);
});
