import { createHash } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { removeTree } from '../../base/remove-tree.ts';
import { type Run, runOrThrow } from '../../base/run.ts';
import { packageFile } from './fetch-packages.ts';
import { BOOTSTRAP_TIMEOUT_MS } from './limits.ts';
import type { LockedPackage } from './package-lock.ts';

export interface RootTreeOptions {
  name: string;
  /** Digest of everything the tree depends on; part of its folder's name. */
  key: string;
  suite: string;
  packages: readonly LockedPackage[];
  /** Packages to install beside the essential ones. */
  include: readonly string[];
  /** SOURCE_DATE_EPOCH for maintainer scripts. */
  epoch_s: number;
  /** Where the fetched packages lie. */
  cache: string;
  /** Where trees are kept. */
  folder: string;
}

/**
 * Unpacks and configures a root tree from exactly the given packages: mmdebstrap over a repository that holds
 * nothing else, so that no version can be chosen. The tree is kept under a name that carries `key`.
 *
 * @returns the folder of the tree; treat it as read-only
 */
export async function buildRootTree(run: Run, options: RootTreeOptions): Promise<string> {
  const { name, key, suite, include, epoch_s, folder } = options;
  const tree = join(folder, `${name}-${key.slice(0, 16)}`);
  if (existsSync(tree)) return tree;
  mkdirSync(folder, { recursive: true });
  const repository = join(folder, `${name}.repository`);
  await writeRepository(run, repository, options);
  const unfinished = `${tree}.unfinished`;
  await removeTree(run, unfinished);
  await runOrThrow(
    run,
    'mmdebstrap',
    [
      '--mode=root',
      '--variant=essential',
      '--format=directory',
      `--include=${include.join(',')}`,
      '--aptopt=APT::Install-Recommends "false"',
      '--aptopt=Acquire::Languages "none"',
      '--dpkgopt=path-exclude=/usr/share/doc/*',
      '--dpkgopt=path-include=/usr/share/doc/*/copyright',
      '--dpkgopt=path-exclude=/usr/share/man/*',
      '--dpkgopt=path-exclude=/usr/share/info/*',
      '--dpkgopt=path-exclude=/usr/share/locale/*',
      '--dpkgopt=path-exclude=/usr/share/lintian/*',
      '--dpkgopt=path-exclude=/usr/share/bash-completion/*',
      '--dpkgopt=path-exclude=/usr/share/zsh/*',
      suite,
      unfinished,
      `deb [trusted=yes] copy:${repository} ./`,
    ],
    { timeout_ms: BOOTSTRAP_TIMEOUT_MS, env: { SOURCE_DATE_EPOCH: String(epoch_s) } },
  );
  rmSync(repository, { recursive: true, force: true });
  renameSync(unfinished, tree);
  return tree;
}

/** A flat repository: the packages and a Packages file made from their own control data and the lock's digests. */
async function writeRepository(run: Run, folder: string, options: RootTreeOptions): Promise<void> {
  const { suite, packages, cache, epoch_s } = options;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const stanzas: string[] = [];
  for (const locked of packages) {
    const file = basename(decodeURIComponent(locked.path));
    linkSync(packageFile(cache, locked), join(folder, file));
    const control = await runOrThrow(run, 'dpkg-deb', ['-f', join(folder, file)]);
    stanzas.push(
      `${control.trimEnd()}\nFilename: ./${file}\nSize: ${locked.size_bytes}\nSHA256: ${locked.sha256}\n`,
    );
  }
  const index = `${stanzas.join('\n')}\n`;
  writeFileSync(join(folder, 'Packages'), index);
  const digest = createHash('sha256').update(index).digest('hex');
  // mmdebstrap finds the essential packages by the suite's code name, so the repository must carry one.
  writeFileSync(
    join(folder, 'Release'),
    `Suite: ${suite}\nCodename: ${suite}\nArchitectures: amd64\nComponents: main\nDate: ${new Date(epoch_s * 1000).toUTCString()}\nSHA256:\n ${digest} ${Buffer.byteLength(index)} Packages\n`,
  );
}
