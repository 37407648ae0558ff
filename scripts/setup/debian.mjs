// @ts-check
import { spawnSync } from 'node:child_process';
import { outputOf, SetupError } from './run.mjs';

/** @typedef {readonly [name: string, reason: string]} PackageWithReason */
/** @typedef {import('./run.mjs').Command} Command */

/**
 * @param {readonly PackageWithReason[]} wanted
 * @returns {PackageWithReason[]} those that are not installed
 */
export function missingPackages(wanted) {
  const names = wanted.map(([name]) => name);
  // Fails as soon as one name is unknown but still prints the others, so the status does not matter.
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own format language
  const query = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...names], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  if (query.error) {
    throw new SetupError('this is no Debian: dpkg-query is missing', `install by hand: ${names.join(' ')}`);
  }
  return missingFrom(query.stdout, wanted);
}

/**
 * @param {string} dpkgOutput lines of `name status`
 * @param {readonly PackageWithReason[]} wanted
 * @returns {PackageWithReason[]}
 */
export function missingFrom(dpkgOutput, wanted) {
  const installed = new Set();
  for (const line of dpkgOutput.split('\n')) {
    const [name, status] = line.split(' ');
    if (status === 'installed') installed.add(name);
  }
  return wanted.filter(([name]) => !installed.has(name));
}

/**
 * @param {readonly string[]} names
 * @returns {boolean} whether apt knows all of them without fetching lists
 */
export function packageListsPresent(names) {
  const known = outputOf('apt-cache', ['policy', ...names]) ?? '';
  return names.every(
    (name) =>
      known.includes(`${name}:\n`) && !known.includes(`${name}:\n  Installed: (none)\n  Candidate: (none)`),
  );
}

/**
 * The two commands of apt, behind sudo when this is not root.
 *
 * @param {readonly string[]} names
 * @param {number} uid
 * @param {() => boolean} [sudoWorks]
 * @returns {{ update: Command, install: Command }}
 */
export function aptCommands(names, uid, sudoWorks = () => outputOf('sudo', ['--version']) !== undefined) {
  // Waiting for the lock: a fresh machine often runs its own unattended upgrade in the first minutes.
  const options = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3'];
  const install = [...options, 'install', '--yes', '--no-install-recommends', ...names];
  const update = [...options, 'update'];
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  if (uid === 0) {
    return {
      update: { program: 'apt-get', args: update, env },
      install: { program: 'apt-get', args: install, env },
    };
  }
  if (!sudoWorks()) {
    throw new SetupError(
      `Debian packages are missing (${names.join(' ')}), and this is neither root nor is sudo there`,
      `as root: apt-get install --no-install-recommends ${names.join(' ')}`,
    );
  }
  // sudo drops the environment, so the variable goes on its command line.
  const elevated = (/** @type {readonly string[]} */ args) => ({
    program: 'sudo',
    args: ['DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args],
  });
  return { update: elevated(update), install: elevated(install) };
}
