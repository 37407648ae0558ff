import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Static, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { BulkheadError } from '../../base/errors.ts';
import { type Run, runOrThrow } from '../../base/run.ts';
import type { Mirror } from './mirror.ts';

/**
 * The lock: every Debian package of every set with version and SHA-256. It decides the image; the archive's
 * signature is checked once, when the lock is made (`npm run lock`), the digests at every build.
 */
const LockedPackage = t.Object({
  name: t.String(),
  version: t.String(),
  architecture: t.String(),
  archive: t.Union([t.Literal('main'), t.Literal('security')]),
  path: t.String({ description: 'below the archive: pool/…' }),
  size_bytes: t.Integer(),
  sha256: t.RegExp(/^[0-9a-f]{64}$/),
});
export type LockedPackage = Static<typeof LockedPackage>;

const PackageLock = t.Object({
  suite: t.String(),
  /** Time stamp of every file in the image, so that a code change moves nothing else. Unix seconds. */
  epoch_s: t.Integer(),
  sets: t.Record(t.String(), t.Array(LockedPackage)),
});
export type PackageLock = Static<typeof PackageLock>;

const PackageSets = t.Object({
  suite: t.String(),
  sets: t.Record(
    t.String(),
    t.Object({ why: t.String(), essential: t.Boolean(), packages: t.Array(t.String()) }),
  ),
});
export type PackageSets = Static<typeof PackageSets>;

const PACKAGE_SETS_FILE = join(import.meta.dirname, '../packages.json');
const PACKAGE_LOCK_FILE = join(import.meta.dirname, '../packages.lock.json');

export function readPackageSets(): PackageSets {
  return Value.Parse(PackageSets, JSON.parse(readFileSync(PACKAGE_SETS_FILE, 'utf8')));
}

export function readPackageLock(): PackageLock {
  return Value.Parse(PackageLock, JSON.parse(readFileSync(PACKAGE_LOCK_FILE, 'utf8')));
}

/**
 * Resolves every set against the mirror's present state and writes the lock.
 *
 * @param workFolder scratch space for a private apt, apart from the machine's own
 * @throws BulkheadError COMMAND_FAILED in apt's words
 */
export async function writePackageLock(
  run: Run,
  mirror: Mirror,
  workFolder: string,
  now_s: number,
): Promise<PackageLock> {
  const declared = readPackageSets();
  const apt = preparePrivateApt(workFolder, mirror, declared.suite);
  await runOrThrow(run, 'apt-get', ['update'], { env: apt, timeout_ms: 300_000 });
  const sets: PackageLock['sets'] = {};
  for (const [name, set] of Object.entries(declared.sets)) {
    const wanted = set.essential ? ['?essential', ...set.packages] : set.packages;
    const flags = ['--print-uris', '-o', 'Acquire::ForceHash=SHA256', '-qq', '-y', '--no-install-recommends'];
    const verb = set.essential
      ? ['install', ...flags, ...wanted]
      : ['download', ...flags, ...(await withKernel(run, apt, wanted))];
    const printed = await runOrThrow(run, 'apt-get', verb, { env: apt, timeout_ms: 120_000 });
    sets[name] = parsePrintedUris(printed, mirror).sort((a, b) => a.name.localeCompare(b.name, 'en'));
  }
  const lock: PackageLock = { suite: declared.suite, epoch_s: now_s - (now_s % 86_400), sets };
  writeFileSync(PACKAGE_LOCK_FILE, `${JSON.stringify(lock, null, 1)}\n`);
  return lock;
}

/** `linux-image-amd64` only points at the package with the kernel in it. */
async function withKernel(run: Run, apt: Record<string, string>, packages: string[]): Promise<string[]> {
  const resolved: string[] = [];
  for (const name of packages) {
    if (!name.startsWith('linux-image-')) {
      resolved.push(name);
      continue;
    }
    const depends = await runOrThrow(run, 'apt-cache', ['depends', name], { env: apt });
    const image = /Depends: (linux-image-[0-9]\S+)/.exec(depends)?.[1];
    if (!image)
      throw new BulkheadError('IMAGE_KERNEL_UNRESOLVED', `${name} points at no kernel package:\n${depends}`);
    resolved.push(image);
  }
  return resolved;
}

/** An apt with its own lists and an empty package state, so that "install" resolves a whole system. */
function preparePrivateApt(folder: string, mirror: Mirror, suite: string): Record<string, string> {
  rmSync(folder, { recursive: true, force: true });
  for (const part of ['lists/partial', 'cache/archives/partial', 'etc'])
    mkdirSync(join(folder, part), { recursive: true });
  writeFileSync(join(folder, 'status'), '');
  const signed = '[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]';
  const components = 'main non-free-firmware';
  writeFileSync(
    join(folder, 'etc/sources.list'),
    [
      `deb ${signed} ${mirror.main} ${suite} ${components}`,
      `deb ${signed} ${mirror.main} ${suite}-updates ${components}`,
      `deb ${signed} ${mirror.security} ${suite}-security ${components}`,
      '',
    ].join('\n'),
  );
  const config = join(folder, 'apt.conf');
  writeFileSync(
    config,
    [
      `Dir::State "${folder}";`,
      `Dir::State::lists "${folder}/lists";`,
      `Dir::State::status "${folder}/status";`,
      `Dir::Cache "${folder}/cache";`,
      `Dir::Etc::sourcelist "${folder}/etc/sources.list";`,
      'Dir::Etc::sourceparts "-";',
      'Dir::Etc::preferencesparts "-";',
      'APT::Architecture "amd64";',
      'APT::Architectures { "amd64"; };',
      'APT::Sandbox::User "root";',
      '',
    ].join('\n'),
  );
  return { APT_CONFIG: config };
}

/** Lines of apt-get --print-uris: `'URI' file size SHA256:digest`. */
function parsePrintedUris(printed: string, mirror: Mirror): LockedPackage[] {
  const packages: LockedPackage[] = [];
  for (const line of printed.split('\n')) {
    const match = /^'([^']+)' (\S+) (\d+) SHA256:([0-9a-f]{64})/.exec(line);
    if (!match) continue;
    const [, uri = '', file = '', size = '', sha256 = ''] = match;
    const security = uri.startsWith(`${mirror.security}/`);
    const base = security ? mirror.security : mirror.main;
    const [name = '', version = '', architecture = ''] = decodeURIComponent(file)
      .replace(/\.deb$/, '')
      .split('_');
    packages.push({
      name,
      version,
      architecture,
      archive: security ? 'security' : 'main',
      path: uri.slice(base.length + 1),
      size_bytes: Number(size),
      sha256,
    });
  }
  if (packages.length === 0) {
    throw new BulkheadError('IMAGE_LOCK_EMPTY', 'apt named no package to fetch', {
      hint: `it printed: ${printed.slice(0, 500)}`,
    });
  }
  return packages;
}
