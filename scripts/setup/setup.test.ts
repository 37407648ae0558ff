import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { aptCommands, missingFrom } from './debian.mjs';
import { DEBIAN_PACKAGES } from './debian-packages.mjs';
import { bunVersion, lacksOtherPlatforms, nodeModulesFresh, repairBun } from './npm.mjs';

const ENTRY = resolve(import.meta.dirname, '../setup.mjs');

test('only what is not installed counts as missing, with its reason', () => {
  const wanted = [
    ['ovmf', 'firmware'],
    ['gdisk', 'tables'],
    ['mtools', 'FAT'],
  ] as const;
  expect(missingFrom('ovmf installed\nmtools config-files\n', wanted)).toEqual([wanted[1], wanted[2]]);
});

test('the list is sorted, without doubles, and every package has a reason', () => {
  const names = DEBIAN_PACKAGES.map(([name]) => name);
  expect(names).toEqual([...new Set(names)].sort());
  for (const [name, reason] of DEBIAN_PACKAGES) expect(reason.length, name).toBeGreaterThan(3);
});

test('root installs directly, others through sudo, and without sudo the command to type is named', () => {
  const root = aptCommands(['ovmf'], 0, () => false);
  expect(root.install.program).toBe('apt-get');
  expect(root.install.args).toEqual(expect.arrayContaining(['--no-install-recommends', 'ovmf']));
  expect(root.install.env).toEqual({ DEBIAN_FRONTEND: 'noninteractive' });
  const user = aptCommands(['ovmf'], 1000, () => true);
  expect([user.install.program, ...user.install.args.slice(0, 2)]).toEqual([
    'sudo',
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
  ]);
  expect(() => aptCommands(['ovmf'], 1000, () => false)).toThrow(/neither root nor is sudo/);
});

test('npm packages are fresh when npm finished after the lock file was written', () => {
  const root = folder();
  writeFileSync(join(root, 'package-lock.json'), '{}');
  expect(nodeModulesFresh(root)).toBe(false);
  mkdirSync(join(root, 'node_modules'));
  expect(nodeModulesFresh(root)).toBe(false); // npm was interrupted: its last file is missing
  const done = join(root, 'node_modules/.package-lock.json');
  writeFileSync(done, '{}');
  expect(nodeModulesFresh(root)).toBe(true);
  utimesSync(done, new Date(0), new Date(0));
  expect(nodeModulesFresh(root)).toBe(false);
});

test('only a lock file without the packages of other platforms is installed in the tolerant way', () => {
  const missing = 'npm error Missing: @biomejs/cli-android-arm64@ from lock file\n';
  expect(lacksOtherPlatforms(`npm error code EUSAGE\n${missing}${missing}`)).toBe(true);
  expect(lacksOtherPlatforms(`${missing}npm error Missing: left-pad@1.3.0 from lock file\n`)).toBe(false);
  expect(
    lacksOtherPlatforms(`${missing}npm error Invalid: lock file's yaml@1.0.0 does not satisfy yaml@2.9.1\n`),
  ).toBe(false);
  expect(lacksOtherPlatforms('npm error code ENOTFOUND')).toBe(false);
});

test('a Bun without its install script is repaired; one that stays broken is reported', () => {
  const root = folder();
  const bun = join(root, 'node_modules/.bin/bun');
  const script = join(root, 'node_modules/bun/install.js');
  for (const file of [bun, script]) mkdirSync(dirname(file), { recursive: true });
  writeFileSync(bun, '#!/bin/sh\necho "Bun\'s postinstall script was not run." >&2\nexit 1\n');
  chmodSync(bun, 0o755);
  writeFileSync(script, '');
  expect(bunVersion(root)).toBeUndefined();
  expect(() => repairBun(root)).toThrow(/after its install script ran/);
  writeFileSync(script, `require('fs').writeFileSync(${JSON.stringify(bun)}, '#!/bin/sh\\necho 1.2.3\\n')`);
  repairBun(root);
  expect(bunVersion(root)).toBe('1.2.3');
});

test('the entry runs with plain node and nothing installed, and says what is missing', () => {
  const root = folder();
  mkdirSync(join(root, 'scripts/setup'), { recursive: true });
  const files = [
    'setup.mjs',
    'setup/debian.mjs',
    'setup/debian-packages.mjs',
    'setup/npm.mjs',
    'setup/run.mjs',
  ];
  for (const file of files) {
    writeFileSync(join(root, 'scripts', file), readFileSync(join(dirname(ENTRY), file)));
  }
  writeFileSync(join(root, 'package-lock.json'), '{}');
  const check = () =>
    spawnSync('node', [join(root, 'scripts/setup.mjs'), '--npm', '--check'], { encoding: 'utf8' });
  expect(check()).toMatchObject({ status: 1, stderr: expect.stringContaining('npm packages are missing') });
  expect(existsSync(join(root, 'node_modules'))).toBe(false);
  expect(spawnSync('node', [ENTRY, '--nonsense'], { encoding: 'utf8' }).stderr).toContain(
    "unknown option '--nonsense'",
  );
});

test('with nothing to do it is done at once and silent', () => {
  const began = performance.now();
  const result = spawnSync('node', [ENTRY, '--npm'], { encoding: 'utf8' });
  expect(result).toMatchObject({ status: 0, stdout: '', stderr: '' });
  expect(performance.now() - began).toBeLessThan(2_000); // a third of a second on an idle machine
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'bulkhead-setup-test-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}
