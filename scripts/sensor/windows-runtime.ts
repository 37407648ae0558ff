import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import { type Run, runOrThrow } from '../../base/run.ts';

/** The package of npm with Bun for Windows. npm leaves it out on other systems; its digest is in the lock file all the same. */
const PACKAGE = '@oven/bun-windows-x64';
/** 55 MB over a slow line. */
const FETCH_TIMEOUT_MS = 15 * 60_000;

interface LockFile {
  packages: Record<string, { version: string; integrity?: string } | undefined>;
}

/**
 * The runtime that a program for Windows is compiled with: Bun of the very version that compiles, from the npm registry, held to the digest in
 * package-lock.json. Fetched once; `bun build` would fetch another copy from elsewhere, held to nothing.
 *
 * @returns path of bun.exe
 * @throws BulkheadError SENSOR_RUNTIME_UNLOCKED, SENSOR_RUNTIME_DIGEST, COMMAND_FAILED where there is no network
 */
export async function windowsRuntime(of: { source: string; build: string; run: Run }): Promise<string> {
  const lock = JSON.parse(readFileSync(join(of.source, 'package-lock.json'), 'utf8')) as LockFile;
  const locked = lock.packages[`node_modules/${PACKAGE}`];
  if (locked?.integrity === undefined || locked.version !== Bun.version)
    throw new BulkheadError(
      'SENSOR_RUNTIME_UNLOCKED',
      `package-lock.json has no ${PACKAGE} of version ${Bun.version}, which compiles`,
      { hint: 'node scripts/setup.mjs --npm installs the Bun of the lock file' },
    );
  const folder = join(of.build, 'cache', `bun-windows-x64-${locked.version}`);
  const program = join(folder, 'package/bin/bun.exe');
  if (existsSync(program)) return program;
  const work = `${folder}.work`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const printed = await runOrThrow(
    of.run,
    'npm',
    ['pack', '--silent', `--pack-destination=${work}`, `${PACKAGE}@${locked.version}`],
    { timeout_ms: FETCH_TIMEOUT_MS, env: npmEnvironment() },
  );
  const archive = join(work, printed.trim().split('\n').at(-1) ?? '');
  requireIntegrity(readFileSync(archive), locked.integrity);
  await runOrThrow(of.run, 'tar', ['-xzf', archive, '-C', work, 'package/bin/bun.exe'], {
    timeout_ms: FETCH_TIMEOUT_MS,
  });
  rmSync(archive);
  renameSync(work, folder);
  return program;
}

/** @param integrity as npm writes it (Subresource Integrity): `sha512-` and base64 */
function requireIntegrity(bytes: Uint8Array, integrity: string): void {
  const found = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  if (found === integrity) return;
  throw new BulkheadError(
    'SENSOR_RUNTIME_DIGEST',
    `what npm fetched of ${PACKAGE} is not what the lock file holds`,
    {
      hint: 'a proxy or a mirror changed it; nothing was compiled with it',
    },
  );
}

/** Where npm finds the registry, its certificates and its own configuration on this machine. */
function npmEnvironment(): Record<string, string> {
  const names = /^(HOME|npm_config_.*|NODE_EXTRA_CA_CERTS|(https?|no)_proxy)$/i;
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      names.test(name) && value !== undefined ? [[name, value]] : [],
    ),
  );
}
