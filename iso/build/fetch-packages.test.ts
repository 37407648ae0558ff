import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fetchPackages, packageFile } from './fetch-packages.ts';
import { DOWNLOAD_ATTEMPTS } from './limits.ts';
import type { LockedPackage } from './package-lock.ts';

const CONTENT = 'the package';
const LOCKED: LockedPackage = {
  ...{ name: 'tool', version: '1-1', architecture: 'all', archive: 'main', path: 'pool/tool.deb' },
  ...{ size_bytes: CONTENT.length, sha256: createHash('sha256').update(CONTENT).digest('hex') },
};

/** A mirror that answers each request with the next of these, and then always with the last. */
function lab(...answers: (string | number)[]) {
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-fetch-'));
  const cache = join(folder, 'cache');
  let asked = 0;
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: () => {
      const answer = answers[Math.min(asked++, answers.length - 1)] ?? 500;
      return typeof answer === 'string' ? new Response(answer) : new Response('', { status: answer });
    },
  });
  onTestFinished(async () => {
    await server.stop(true);
    rmSync(folder, { recursive: true });
  });
  const url = `http://127.0.0.1:${server.port}`;
  return {
    cache,
    file: packageFile(cache, LOCKED),
    asked: () => asked,
    fetch: () => fetchPackages([LOCKED], { main: url, security: url }, cache, () => undefined, 1),
  };
}

test('a file other than the locked one is refused at once, by its own code, and never gets a name', async () => {
  const { cache, asked, fetch } = lab('another file');
  await expect(fetch()).rejects.toMatchObject({ code: 'IMAGE_PACKAGE_DIGEST' });
  expect(asked()).toBe(1);
  expect(readdirSync(cache)).toEqual([]);
});

test('a package that the mirror no longer has is said to be gone, at once', async () => {
  const { asked, fetch } = lab(404);
  await expect(fetch()).rejects.toMatchObject({ code: 'IMAGE_PACKAGE_GONE' });
  expect(asked()).toBe(1);
});

test('a mirror that stumbles is asked again, and one that never answers is given up', async () => {
  const good = lab(503, CONTENT);
  await good.fetch();
  expect(readFileSync(good.file, 'utf8')).toBe(CONTENT);
  const bad = lab(503);
  await expect(bad.fetch()).rejects.toMatchObject({ code: 'IMAGE_PACKAGE_FETCH' });
  expect(bad.asked()).toBe(DOWNLOAD_ATTEMPTS);
});

test('what lies in the cache is looked at in every build: whole it is taken, damaged it is fetched again', async () => {
  const { cache, file, asked, fetch } = lab(CONTENT);
  mkdirSync(cache);
  writeFileSync(file, CONTENT);
  await fetch();
  expect(asked()).toBe(0);
  writeFileSync(file, CONTENT.replace('p', 'P'));
  writeFileSync(`${file}.files`, 'read out of the damaged one');
  await fetch();
  expect(asked()).toBe(1);
  expect(readFileSync(file, 'utf8')).toBe(CONTENT);
  expect(existsSync(`${file}.files`)).toBe(false);
});
