import { expect, test } from 'vitest';
import { VERSION } from '../../base/version.ts';
import { isCode, listFiles, readText } from './tree.ts';

interface PackageJson {
  version: string;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  scripts?: Record<string, string>;
}

const description = JSON.parse(readText('package.json')) as PackageJson;
const wanted = { ...description.dependencies, ...description.devDependencies };

test('every dependency is pinned to one version, the one in the lock file', () => {
  const lock = JSON.parse(readText('package-lock.json')) as {
    version: string;
    packages: Record<string, { version: string }>;
  };
  for (const [name, version] of Object.entries(wanted)) {
    expect(version, name).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
    expect(lock.packages[`node_modules/${name}`]?.version, name).toBe(version);
  }
  expect(lock.version).toBe(description.version);
});

test('the lock file says what a package must be, not where one machine found it', () => {
  expect(readText('package-lock.json')).not.toContain('"resolved": "http');
});

test('the version has its one home in package.json', async () => {
  expect(VERSION).toBe(description.version);
  const literal = new RegExp(`['"\`]v?${description.version.replaceAll('.', '\\.')}['"\`]`);
  const files = (await listFiles()).filter((file) => isCode(file) && !file.endsWith('.test.ts'));
  const copies = files.filter((file) => literal.test(readText(file)));
  expect(copies).toEqual([]);
});

test('every npm script starts files that exist', () => {
  for (const [name, command] of Object.entries(description.scripts ?? {})) {
    for (const [file] of command.matchAll(/(?<=\s)[\w./-]+\.(?:ts|mjs)\b/g)) {
      expect(() => readText(file), `npm run ${name}: ${file}`).not.toThrow();
    }
  }
});
