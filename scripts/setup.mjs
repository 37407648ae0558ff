#!/usr/bin/env node
// @ts-check
/**
 * First step of the npm scripts: installs what a fresh Debian 12 with Node 20 lacks, and nothing else. Plain
 * JavaScript without a dependency, because nothing else is there yet. Takes a fraction of a second when there
 * is nothing to do.
 *
 *   node scripts/setup.mjs           packages of Debian and npm
 *   node scripts/setup.mjs --npm     npm packages only: unit tests and the type checker need no more
 *   node scripts/setup.mjs --image   the same as without, for what builds the image or boots it: refuses anybody but root
 *   node scripts/setup.mjs --check   installs nothing; exits 1 and says what is missing
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { aptCommands, missingPackages, packageListsPresent } from './setup/debian.mjs';
import { DEBIAN_PACKAGES } from './setup/debian-packages.mjs';
import {
  bunVersion,
  fetchedPackages,
  lacksOtherPlatforms,
  nodeModulesFresh,
  npmCommands,
  repairBun,
  withoutRequests,
} from './setup/npm.mjs';
import { fail, requireRoot, runShown, runWatched, SetupError, say } from './setup/run.mjs';

const MINIMUM_NODE_MAJOR = 20;
const root = dirname(dirname(fileURLToPath(import.meta.url)));

try {
  await setUp(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  fail(error);
}

/** @param {readonly string[]} args */
async function setUp(args) {
  const unknown = args.find((arg) => !['--npm', '--image', '--check'].includes(arg));
  if (unknown) throw new SetupError(`unknown option '${unknown}'`, 'known: --npm, --image, --check');
  if (Number(process.versions.node.split('.')[0]) < MINIMUM_NODE_MAJOR) {
    throw new SetupError(
      `this is Node ${process.versions.node}, Bulkhead needs ${MINIMUM_NODE_MAJOR} or later`,
      'install a newer Node and try again',
    );
  }
  if (args.includes('--image')) requireRoot(process.getuid?.(), process.env['npm_lifecycle_event']);
  const checkOnly = args.includes('--check');
  if (!args.includes('--npm')) setUpDebian(checkOnly);
  await setUpNpm(checkOnly);
}

/** @param {boolean} checkOnly */
function setUpDebian(checkOnly) {
  const missing = missingPackages(DEBIAN_PACKAGES);
  if (missing.length === 0) return;
  const names = missing.map(([name]) => name);
  if (checkOnly)
    throw new SetupError(
      `missing Debian packages: ${names.join(' ')}`,
      'node scripts/setup.mjs installs them',
    );
  say(`installing ${missing.length} Debian packages:`);
  for (const [name, reason] of missing) say(`  ${name.padEnd(24)} ${reason}`);
  const { update, install } = aptCommands(names, process.getuid?.() ?? 0);
  // Lists that were never fetched know no package; old ones may name files that the mirror has dropped.
  if (!packageListsPresent(names)) runShown(update);
  if (!runShown(install, { mayFail: true })) {
    runShown(update);
    runShown(install);
  }
}

/** @param {boolean} checkOnly */
async function setUpNpm(checkOnly) {
  const lockFile = join(root, 'package-lock.json');
  if (!existsSync(lockFile))
    throw new SetupError('package-lock.json is missing', 'this is no complete checkout');
  if (!nodeModulesFresh(root)) {
    if (checkOnly) throw new SetupError('npm packages are missing or older than package-lock.json', 'npm ci');
    say('installing npm packages (npm ci)');
    await installNpmPackages(lockFile);
  }
  if (bunVersion(root)) return;
  if (checkOnly) throw new SetupError('Bun does not start', 'node node_modules/bun/install.js');
  say('npm left out the install script of Bun; running it');
  repairBun(root);
}

/** @param {string} lockFile */
async function installNpmPackages(lockFile) {
  const { strict, tolerant } = npmCommands(root);
  const first = await watchNpm(strict);
  if (first.ok) return;
  const foreign = lacksOtherPlatforms(first.words, readFileSync(lockFile, 'utf8'));
  if (foreign)
    say('the lock file leaves out packages of other platforms, which npm ci refuses; npm install takes it');
  const last = foreign ? await watchNpm(tolerant) : first;
  if (last.ok) return;
  process.stderr.write(withoutRequests(last.words));
  throw new SetupError(`npm ${foreign ? 'install' : 'ci'} failed`, 'its own words are above');
}

/** @param {import('./setup/run.mjs').Command} command */
function watchNpm(command) {
  return runWatched(command, (seconds, soFar) =>
    say(`  ${seconds} s, ${fetchedPackages(soFar)} packages fetched`),
  );
}
