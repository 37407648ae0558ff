import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Run, run, runOrThrow } from '../../base/run.ts';
import { makeFolder } from '../../test/unit/make-folder.ts';
import { windowsRuntime } from './windows-runtime.ts';

/** A checkout whose lock file holds a package with this program in it, and an npm that fetches an archive. */
async function checkout(version = Bun.version) {
  const source = makeFolder('runtime');
  const build = join(source, 'build');
  mkdirSync(join(source, 'package/bin'), { recursive: true });
  mkdirSync(build);
  writeFileSync(join(source, 'package/bin/bun.exe'), 'MZ a program');
  await runOrThrow(run, 'tar', ['-czf', join(source, 'p.tgz'), '-C', source, 'package']);
  const archive = readFileSync(join(source, 'p.tgz'));
  const integrity = `sha512-${createHash('sha512').update(archive).digest('base64')}`;
  const packages = { 'node_modules/@oven/bun-windows-x64': { version, integrity } };
  writeFileSync(join(source, 'package-lock.json'), JSON.stringify({ packages }));
  const fetched: (readonly string[])[] = [];
  const withNpm =
    (bytes: Uint8Array): Run =>
    async (program, args, options) => {
      if (program !== 'npm') return run(program, args, options);
      fetched.push(args);
      const folder = args.find((arg) => arg.startsWith('--pack-destination='))?.split('=')[1] ?? '';
      writeFileSync(join(folder, 'p.tgz'), bytes);
      return { code: 0, stdout: 'p.tgz\n', stderr: '' };
    };
  return { source, build, archive, fetched, withNpm };
}

test('the runtime for Windows comes out of the package that the lock file holds, once', async () => {
  const { source, build, archive, fetched, withNpm } = await checkout();
  const of = { source, build, run: withNpm(archive) };
  const program = await windowsRuntime(of);
  expect(readFileSync(program, 'utf8')).toBe('MZ a program');
  expect(await windowsRuntime(of)).toBe(program);
  expect(fetched.map((args) => args.at(-1))).toEqual([`@oven/bun-windows-x64@${Bun.version}`]);
});

test('another archive than that of the lock file is not unpacked', async () => {
  const { source, build, archive, withNpm } = await checkout();
  const other = Uint8Array.from(archive);
  other[20] = (other[20] ?? 0) ^ 1;
  await expect(windowsRuntime({ source, build, run: withNpm(other) })).rejects.toMatchObject({
    code: 'SENSOR_RUNTIME_DIGEST',
  });
  expect(existsSync(join(build, 'cache', `bun-windows-x64-${Bun.version}`))).toBe(false);
});

test('a runtime of another version than the Bun that compiles is refused', async () => {
  const { source, build, archive, withNpm } = await checkout('1.0.0');
  await expect(windowsRuntime({ source, build, run: withNpm(archive) })).rejects.toMatchObject({
    code: 'SENSOR_RUNTIME_UNLOCKED',
  });
});
