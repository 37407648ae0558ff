import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import { DOWNLOAD_ATTEMPTS, DOWNLOAD_RETRY_MS, DOWNLOAD_TIMEOUT_MS, DOWNLOADS_AT_ONCE } from './limits.ts';
import type { Mirror } from './mirror.ts';
import type { LockedPackage } from './package-lock.ts';

/** Where a fetched package lies: named by digest. Nothing opens it before fetchPackages has looked at it in this build. */
export function packageFile(cache: string, locked: LockedPackage): string {
  return join(cache, `${locked.sha256}.deb`);
}

/**
 * Brings every locked package into the cache and checks the SHA-256 of each, also of those that lie there already: a disk
 * that lost a block, or a hand in the folder, must not get into an image. What does not fit is fetched again.
 *
 * @throws BulkheadError IMAGE_PACKAGE_GONE when the mirror has moved on, IMAGE_PACKAGE_DIGEST when it sends another file,
 *         IMAGE_PACKAGE_FETCH when it does not answer
 */
export async function fetchPackages(
  packages: readonly LockedPackage[],
  mirror: Mirror,
  cache: string,
  progress: (done: number, total: number, name: string) => void,
  retry_ms = DOWNLOAD_RETRY_MS,
): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const missing: LockedPackage[] = [];
  for (const locked of packages)
    if (!(await isWhole(packageFile(cache, locked), locked.sha256))) missing.push(locked);
  let next = 0;
  let done = 0;
  const worker = async () => {
    for (let locked = missing[next++]; locked; locked = missing[next++]) {
      await fetchOne(locked, mirror, cache, retry_ms);
      done += 1;
      progress(done, missing.length, locked.name);
    }
  };
  await Promise.all(Array.from({ length: DOWNLOADS_AT_ONCE }, worker));
}

async function isWhole(file: string, sha256: string): Promise<boolean> {
  if (!existsSync(file)) return false;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  if (hash.digest('hex') === sha256) return true;
  // With the list of its files (package-files.ts), which may have been read out of the damaged one.
  for (const path of [file, `${file}.files`]) rmSync(path, { force: true });
  return false;
}

async function fetchOne(
  locked: LockedPackage,
  mirror: Mirror,
  cache: string,
  retry_ms: number,
): Promise<void> {
  const base = locked.archive === 'security' ? mirror.security : mirror.main;
  let failure: unknown;
  for (let attempt = 1; attempt <= DOWNLOAD_ATTEMPTS; attempt++) {
    try {
      const answer = await fetch(`${base}/${locked.path}`, {
        signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS),
      });
      if (answer.status === 404) {
        throw new BulkheadError(
          'IMAGE_PACKAGE_GONE',
          `the mirror no longer has ${locked.name} ${locked.version}`,
          {
            hint: 'run `npm run lock` and review the change, or set BULKHEAD_DEBIAN_MIRROR to a snapshot archive of that day',
          },
        );
      }
      if (!answer.ok) throw new Error(`the mirror answered ${answer.status}`);
      const bytes = new Uint8Array(await answer.arrayBuffer());
      const digest = createHash('sha256').update(bytes).digest('hex');
      if (digest !== locked.sha256) {
        throw new BulkheadError(
          'IMAGE_PACKAGE_DIGEST',
          `the mirror sent another file as ${locked.name} ${locked.version}: its SHA-256 is ${digest}, the lock says ${locked.sha256}`,
          {
            hint: 'nothing of it was used; take another mirror with BULKHEAD_DEBIAN_MIRROR, and find out whose file that is',
          },
        );
      }
      const file = packageFile(cache, locked);
      writeFileSync(`${file}.part`, bytes);
      renameSync(`${file}.part`, file);
      return;
    } catch (error) {
      // Both are answers, and asking again does not change them. Only a line that breaks is worth another try.
      if (error instanceof BulkheadError) throw error;
      failure = error;
      await Bun.sleep(retry_ms * 2 ** attempt);
    }
  }
  throw new BulkheadError(
    'IMAGE_PACKAGE_FETCH',
    `cannot fetch ${locked.name} ${locked.version} after ${DOWNLOAD_ATTEMPTS} tries`,
    {
      cause: failure,
    },
  );
}
