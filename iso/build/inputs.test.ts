import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cycloneDx, debianComponents, npmComponents } from './documents.ts';
import { parseModuleList } from './kernel-modules.ts';
import { readPackageLock, readPackageSets } from './package-lock.ts';

const iso = join(import.meta.dirname, '..');
test('every set of packages is locked, with digests, and the lock names no host', () => {
  const lock = readPackageLock();
  const declared = readPackageSets();
  expect(Object.keys(lock.sets).sort()).toEqual(Object.keys(declared.sets).sort());
  for (const [name, set] of Object.entries(declared.sets)) {
    if (!set.essential) continue;
    const locked = new Set(lock.sets[name]?.map((entry) => entry.name));
    for (const wanted of set.packages) expect(locked, `set ${name}`).toContain(wanted);
  }
  expect(JSON.stringify(lock)).not.toContain('://');
});

test('a line of the module list that is no module is refused by its text', () => {
  expect(parseModuleList('# why\ninitrd erofs # root\nroot r8169\n')).toEqual([
    { class: 'initrd', name: 'erofs' },
    { class: 'root', name: 'r8169' },
  ]);
  expect(() => parseModuleList('both erofs')).toThrow(/both erofs/);
});

test('every unit of the image has a deadline for starting', () => {
  const folder = join(iso, 'rootfs/usr/lib/systemd/system');
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.service'))) {
    const text = readFileSync(join(folder, name), 'utf8');
    expect(text, name).toMatch(/^TimeoutStartSec=\d+(s|min|h)?$/m);
  }
});

test('the bill of materials names what is compiled in and the runtime, and nothing that is there for types or tools', () => {
  const lock = readFileSync(join(iso, '../package-lock.json'), 'utf8');
  const compiled = [
    'appliance/main.ts',
    'node_modules/elysia/dist/index.mjs',
    'node_modules/@sinclair/typebox/build/esm/index.mjs',
    '../elsewhere/node_modules/yaml/dist/index.js',
  ];
  expect(npmComponents(lock, compiled).map((part) => part.name)).toEqual([
    '@oven/bun-linux-x64',
    'elysia',
    '@sinclair/typebox',
    'yaml',
  ]);
  for (const part of npmComponents(lock, compiled)) expect(part.licence, part.name).toBeDefined();
});

test('a source of a package inside another package counts as the inner one, and one that is not locked is refused', () => {
  const lock = JSON.stringify({
    packages: {
      'node_modules/@oven/bun-linux-x64': { version: '1.4.5' },
      'node_modules/a': { version: '1.0.0' },
      'node_modules/a/node_modules/@b/c': { version: '2.0.0', license: 'MIT' },
    },
  });
  expect(npmComponents(lock, ['node_modules/a/node_modules/@b/c/lib/d.js']).slice(1)).toEqual([
    { name: '@b/c', version: '2.0.0', purl: 'pkg:npm/%40b/c@2.0.0', licence: { expression: 'MIT' } },
  ]);
  expect(() => npmComponents(lock, ['node_modules/b/index.js'])).toThrow(/node_modules\/b/);
});

test('a package of Debian says which source it is built from, where that has another name', () => {
  const part = (name: string, path: string) => ({ name, version: '2.41-12', sha256: '0', path });
  const packages = [
    part('libc6', 'pool/main/g/glibc/libc6_2.41-12_amd64.deb'),
    part('apt', 'pool/updates/main/a/apt/apt_2.41-12_amd64.deb'),
  ];
  expect(debianComponents(packages, new Map()).map(({ purl }) => purl)).toEqual([
    'pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=trixie&upstream=glibc',
    'pkg:deb/debian/apt@2.41-12?arch=amd64&distro=trixie',
  ]);
});

test('a bill of materials is the same for the same parts in any order', () => {
  const parts = ['b', 'a'].map((name) => ({ name, version: '1', purl: `pkg:deb/debian/${name}@1` }));
  const make = (list: typeof parts) =>
    cycloneDx('1.0.0', '2026-01-01T00:00:00Z', '00000000-0000-8000-8000-000000000000', list);
  expect(make(parts)).toBe(make([...parts].reverse()));
  expect(JSON.parse(make(parts))).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6' });
});
