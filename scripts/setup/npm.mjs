// @ts-check
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { outputOf, SetupError } from './run.mjs';

/** @typedef {import('./run.mjs').Command} Command */

/**
 * npm writes node_modules/.package-lock.json as its last act, so a file at least as young as the lock file means
 * a complete installation of it.
 *
 * @param {string} root folder of package.json
 */
export function nodeModulesFresh(root) {
  const done = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(done)) return false;
  return statSync(done).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
}

/**
 * The commands that install what the lock file names, best first. `npm ci` refuses a lock file without the optional packages
 * of platforms other than the one it was written on; `npm install --no-save` takes it, with the same versions and digests,
 * and leaves it as it is.
 *
 * @param {string} root
 * @returns {{ strict: Command, tolerant: Command }}
 */
export function npmCommands(root) {
  // Under `npm start` the running npm is named in the environment; it is the one whose version the person chose.
  const running = process.env['npm_execpath'];
  const [program, ...first] = running?.endsWith('.js') ? [process.execPath, running] : ['npm'];
  const command = (/** @type {string[]} */ ...args) => ({
    program: program ?? 'npm',
    args: [...first, ...args, '--no-audit', '--no-fund'],
    cwd: root,
  });
  // The log of requests is how it is known that npm is at work, and how far.
  const watched = '--loglevel=http';
  return { strict: command('ci', watched), tolerant: command('install', '--no-save', watched) };
}

/**
 * @typedef {{
 *   dependencies?: Record<string, string>,
 *   devDependencies?: Record<string, string>,
 *   peerDependencies?: Record<string, string>,
 * }} LockedPackage
 */

/**
 * How far npm is, by the requests it logs.
 *
 * @param {string} words what npm printed so far, with `--loglevel=http`
 */
export function fetchedPackages(words) {
  return words.match(/\bhttp (?:fetch|cache) .*\.tgz/g)?.length ?? 0;
}

/** @param {string} words without the requests, for a person who looks for what went wrong */
export function withoutRequests(words) {
  return words.replace(/^npm http .*\n?/gm, '');
}

/**
 * Whether `npm ci` failed only for what the lock file leaves out. npm names each absent package, with a version where the
 * registry has it (`NAME@1.2.3`) and without one where not (`NAME@`). What no package of the lock file requires can only be
 * an optional one of another platform, or what such a one requires in turn; anything else is a lock file that does not fit.
 *
 * @param {string} words what npm printed
 * @param {string} lockText package-lock.json
 */
export function lacksOtherPlatforms(words, lockText) {
  const complaints = words.split('\n').filter((line) => /\b(?:Missing|Invalid): /.test(line));
  if (complaints.length === 0) return false;
  const required = requiredNames(lockText);
  return complaints.every((line) => {
    const name = /\bMissing: (@?[^@\s]+)@\S* from lock file/.exec(line)?.[1];
    return name !== undefined && !required.has(name);
  });
}

/**
 * @param {string} lockText
 * @returns {Set<string>} every package that a locked one cannot do without
 */
function requiredNames(lockText) {
  const { packages = {} } = /** @type {{ packages?: Record<string, LockedPackage> }} */ (
    JSON.parse(lockText)
  );
  return new Set(
    Object.values(packages).flatMap(({ dependencies, devDependencies, peerDependencies }) =>
      Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies }),
    ),
  );
}

/**
 * @param {string} root
 * @returns {string | undefined} version of the Bun in node_modules; undefined when it does not start
 */
export function bunVersion(root) {
  const version = outputOf(join(root, 'node_modules', '.bin', 'bun'), ['--version'])?.trim();
  return version && /^\d+\.\d+\.\d+/.test(version) ? version : undefined;
}

/**
 * npm may be told not to run install scripts of packages; Bun's script is what puts the real program in place.
 *
 * @param {string} root
 */
export function repairBun(root) {
  const script = join(root, 'node_modules', 'bun', 'install.js');
  outputOf(process.execPath, [script]);
  if (!bunVersion(root)) {
    throw new SetupError('Bun does not start after its install script ran', `run it by hand: node ${script}`);
  }
}
