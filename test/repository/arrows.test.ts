import { expect, test } from 'vitest';
import { type Arrow, arrowsOf, importsOf, partOf } from './imports.ts';
import { isCode, isTest, listFiles, readText } from './tree.ts';

const PARTS = ['base', 'partitions', 'health-gate', 'updater', 'status-page', 'iso', 'protocol'];
/** Which part may use which; the sentence in ARCHITECTURE.md says the same. A folder in a part narrows it to that. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  base: [],
  partitions: ['base'],
  'health-gate': ['base', 'partitions'],
  updater: ['base', 'partitions'],
  'status-page': ['base', 'partitions', 'health-gate/verdict-schema.ts'],
  protocol: ['base'],
  iso: ['base', 'partitions'],
  coordinator: ['base', 'protocol', 'updater'],
  appliance: ['base', 'partitions', 'health-gate', 'updater', 'status-page', 'iso', 'protocol'],
  nix: [...PARTS, 'appliance', 'test'],
  test: [...PARTS, 'appliance', 'coordinator', 'scripts'],
  scripts: [...PARTS, 'appliance', 'nix', 'test'],
  bench: [...PARTS, 'appliance', 'coordinator', 'test', 'scripts'],
};
/** What every part may use: the version has its one home there. */
const FOR_ALL = ['package.json'];
/** Tests of a part may use the helpers for tests. */
const FOR_TESTS = ['test'];

function allowed({ from, to }: Arrow): boolean {
  const part = partOf(from);
  if (part === undefined || part === partOf(to) || FOR_ALL.includes(to)) return true;
  const targets = [...(ALLOWED[part] ?? []), ...(isTest(from) ? FOR_TESTS : [])];
  return targets.some((target) => to === target || to.startsWith(`${target}/`));
}

test('arrows between the parts point only where ARCHITECTURE.md says', async () => {
  const files = (await listFiles()).filter(isCode);
  const arrows = files.flatMap((file) => arrowsOf(file, readText(file)));
  expect(arrows.length).toBeGreaterThan(50);
  const wrong = arrows.filter((arrow) => !allowed(arrow)).map(({ from, to }) => `${from} -> ${to}`);
  expect(wrong).toEqual([]);
});

test('every folder with code is a part that this test knows', async () => {
  const parts = new Set((await listFiles()).filter(isCode).flatMap((file) => partOf(file) ?? []));
  expect([...parts].filter((part) => !(part in ALLOWED))).toEqual([]);
});

test('the parts of this test are those of ARCHITECTURE.md', () => {
  const tree = /## The tree\n[\s\S]*?```\n([\s\S]*?)```/.exec(readText('ARCHITECTURE.md'))?.[1] ?? '';
  const named = [...tree.matchAll(/^([a-z-]+)\//gm)].map((match) => match[1]);
  expect(named.sort()).toEqual(Object.keys(ALLOWED).sort());
});

test('an arrow the wrong way is found, whatever its form', () => {
  const forms = [
    `import { a } from '../appliance/a.ts';`,
    `import type { A } from '../appliance/a.ts';`,
    `import {\n  a,\n  b,\n} from "../appliance/a.ts";`,
    `export * from '../appliance/a.ts';`,
    `import '../appliance/a.ts';`,
    `const a = await import('../appliance/a.ts');`,
  ];
  for (const code of forms) {
    expect(importsOf(code), code).toEqual(['../appliance/a.ts']);
    expect(arrowsOf('base/x.ts', code).every(allowed), code).toBe(false);
  }
  expect(
    importsOf(`// import { a } from '../appliance/a.ts'\n/* import './b.ts' */ const c = 'import';`),
  ).toEqual([]);
  expect(allowed({ from: 'status-page/x.ts', to: 'health-gate/verdict-schema.ts' })).toBe(true);
  expect(allowed({ from: 'status-page/x.ts', to: 'health-gate/gate.ts' })).toBe(false);
  expect(allowed({ from: 'partitions/x.ts', to: 'partitions/y.ts' })).toBe(true);
});
