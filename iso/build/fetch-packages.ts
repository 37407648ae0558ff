import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import { DOWNLOAD_ATTEMPTS, DOWNLOAD_TIMEOUT_MS, DOWNLOADS_AT_ONCE } from './limits.ts';
import type { Mirror } from './mirror.ts';
import type { LockedPackage } from './package-lock.ts';

/** Where a fetched package lies: named by digest, so that a file found there needs no second look. */
export function packageFile(cache: string, locked: LockedPackage): string {
  return join(cache, `${locked.sha256}.deb`);
}

/**
 * Brings every locked package into the cache, checking size and SHA-256 before a file gets its name.
 *
 * @throws BulkheadError IMAGE_PACKAGE_GONE when the mirror has moved on, IMAGE_PACKAGE_DIGEST on a wrong file
 */
export async function fetchPackages(
  packages: readonly LockedPackage[],
  mirror: Mirror,
  cache: string,
  progress: (done: number, total: number, name: string) => void,
): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const missing = packages.filter((locked) => !existsSync(packageFile(cache, locked)));
  let next = 0;
  let done = 0;
  const worker = async () => {
    for (let locked = missing[next++]; locked; locked = missing[next++]) {
      await fetchOne(locked, mirror, cache);
      done += 1;
      progress(done, missing.length, locked.name);
    }
  };
  await Promise.all(Array.from({ length: DOWNLOADS_AT_ONCE }, worker));
}

async function fetchOne(locked: LockedPackage, mirror: Mirror, cache: string): Promise<void> {
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
          `${locked.name} ${locked.version}: SHA-256 is ${digest}, the lock says ${locked.sha256}`,
        );
      }
      const file = packageFile(cache, locked);
      writeFileSync(`${file}.part`, bytes);
      renameSync(`${file}.part`, file);
      return;
    } catch (error) {
      if (error instanceof BulkheadError && error.code === 'IMAGE_PACKAGE_GONE') throw error;
      failure = error;
      await Bun.sleep(500 * 2 ** attempt);
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
