import { existsSync, readFileSync, renameSync } from 'node:fs';

import { type Run, runOrThrow } from '../../base/run.ts';
import { packageFile } from './fetch-packages.ts';
import { LIST_TIMEOUT_MS } from './limits.ts';
import type { LockedPackage, PackageLock } from './package-lock.ts';

/** A locked package and the files in it. */
export interface PackageFiles {
  name: string;
  version: string;
  sha256: string;
  /** Set of the lock that it belongs to. */
  set: string;
  /** Paths below the root without a leading slash; folders are left out. */
  files: readonly string[];
}

/** What is in every package of the lock, from the packages themselves. Kept beside them, because reading a kernel takes seconds. */
export async function listPackageFiles(run: Run, lock: PackageLock, cache: string): Promise<PackageFiles[]> {
  const listed: PackageFiles[] = [];
  for (const [set, packages] of Object.entries(lock.sets)) {
    for (const locked of packages) {
      if (!existsSync(packageFile(cache, locked))) continue;
      const { name, version, sha256 } = locked;
      listed.push({ name, version, sha256, set, files: await filesOf(run, locked, cache) });
    }
  }
  return listed;
}

async function filesOf(run: Run, locked: LockedPackage, cache: string): Promise<string[]> {
  const archive = packageFile(cache, locked);
  const list = `${archive}.files`;
  if (!existsSync(list)) {
    const script = 'dpkg-deb --fsys-tarfile "$1" | tar --list --file=- >"$2"';
    await runOrThrow(run, 'sh', ['-c', script, 'list', archive, `${list}.part`], {
      timeout_ms: LIST_TIMEOUT_MS,
    });
    renameSync(`${list}.part`, list);
  }
  return parseFileList(readFileSync(list, 'utf8'));
}

/** Names as tar prints them: `./usr/bin/x`, folders with a slash at the end. */
function parseFileList(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.endsWith('/'))
    .map((line) => line.replace(/^\.\//, ''));
}
