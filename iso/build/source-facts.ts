import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import type { Run } from '../../base/run.ts';
import { cycloneDx, debianComponents, debianPurl, npmComponents } from './documents.ts';
import type { PackageLock } from './package-lock.ts';

/** What the bill of materials is made from. */
export interface BillInputs {
  version: string;
  revision: Revision;
  /** Debian packages of which anything is in the image. */
  debian: readonly { name: string; version: string; sha256: string; path?: string }[];
  /** Their copyright files, by name. */
  copyrights: ReadonlyMap<string, string>;
  /** Source files in the program, as Bun's metafile names them. */
  compiled: readonly string[];
}

export function billOfMaterials(source: string, inputs: BillInputs): string {
  const { version, revision, debian, copyrights, compiled } = inputs;
  const components = [
    ...debianComponents(debian, copyrights),
    ...npmComponents(readFileSync(join(source, 'package-lock.json'), 'utf8'), compiled),
  ];
  const hex = digestOf(`${version} ${revision.id}`);
  const serial = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  return cycloneDx(version, revision.time, serial, components);
}

export function materials(lock: PackageLock, source: string, firmware: boolean): Record<string, string> {
  const found: Record<string, string> = {};
  for (const file of ['package-lock.json', 'iso/packages.lock.json'])
    found[file] = digestOf(readFileSync(join(source, file), 'utf8'));
  for (const [set, packages] of Object.entries(lock.sets)) {
    if (set === 'firmware' && !firmware) continue;
    for (const entry of packages) found[debianPurl(entry.name, entry.version)] = entry.sha256;
  }
  return found;
}

export interface Revision {
  id: string;
  /** Commit time, RFC 3339: the build date that everything shows. */
  time: string;
}

/** @throws BulkheadError IMAGE_NO_REVISION outside a git checkout: an image must say where it comes from */
export async function sourceRevision(run: Run, source: string): Promise<Revision> {
  const git = (args: string[]) =>
    run('git', ['-C', source, ...args], {
      env: { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*' },
    });
  const head = await git(['show', '-s', '--format=%H %cI', 'HEAD']);
  const [id, time] = head.stdout.trim().split(' ');
  if (head.code !== 0 || !id || !time) {
    throw new BulkheadError(
      'IMAGE_NO_REVISION',
      `${source} is not a git checkout with a commit: ${head.stderr.trim()}`,
    );
  }
  const changed = (await git(['status', '--porcelain'])).stdout.trim() !== '';
  return { id: changed ? `${id}-dirty` : id, time: new Date(time).toISOString() };
}

/** SHA-256 of a text, hex. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Digest of everything an image is made from; equal digests mean there is nothing to build. */
export function sourceDigest(source: string, folders: readonly string[]): string {
  const hash = createHash('sha256');
  const visit = (path: string) => {
    const info = statSync(join(source, path));
    if (info.isDirectory()) {
      for (const name of readdirSync(join(source, path)).sort()) visit(join(path, name));
    } else if (!path.endsWith('.test.ts')) {
      hash.update(`${path}\0${info.mode}\0`).update(readFileSync(join(source, path)));
    }
  };
  for (const folder of folders) visit(folder);
  return hash.digest('hex');
}
