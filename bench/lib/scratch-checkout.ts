import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { removeTree } from '../../base/remove-tree.ts';
import { run, runOrThrow } from '../../base/run.ts';
import { SOURCE } from '../../test/qemu/fixtures/image.ts';
import { BUILD_TIMEOUT_MS } from './limits.ts';

const ANY_OWNER = {
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'safe.directory',
  GIT_CONFIG_VALUE_0: '*',
};

/**
 * A second checkout with the sources as they lie here, changes that are not committed included, so that it calls itself by the
 * same revision. npm packages and fetched Debian packages come along as hard links, and the keys whose releases the image is
 * to take: they are an input, and another checkout would make its own. What was made from them comes only if wanted.
 *
 * @param folder is emptied first; has to lie on the file system of this checkout
 * @param warm with unpacked trees and initrd, as after a build; without, as after a fresh clone
 */
export async function scratchCheckout(folder: string, warm: boolean): Promise<void> {
  await removeTree(run, folder);
  mkdirSync(dirname(folder), { recursive: true });
  await shell('git clone -q --local "$1" "$2"', SOURCE, folder);
  const deleted = await shell('git -C "$1" ls-files -z --deleted', SOURCE);
  for (const path of deleted.split('\0').filter(Boolean)) rmSync(join(folder, path), { force: true });
  const listed = await shell('git -C "$1" ls-files -z --cached --others --exclude-standard', SOURCE);
  const files = listed.split('\0').filter((path) => path !== '' && existsSync(join(SOURCE, path)));
  await runOrThrow(run, 'cpio', ['-0', '-pdmu', '--quiet', '-D', SOURCE, folder], {
    input: files.join('\0'),
  });
  await shell('cp -al "$1/node_modules" "$2/"', SOURCE, folder);
  mkdirSync(join(folder, 'build/cache'), { recursive: true });
  await shell('cp -al "$1/build/cache/packages" "$2/build/cache/"', SOURCE, folder);
  await shell('cp -a "$1/build/keys" "$2/build/"', SOURCE, folder);
  if (!warm) return;
  mkdirSync(join(folder, 'build/roots'));
  // Trees of earlier locks stay behind, and so does what an unfinished build left.
  for (const name of readdirSync(join(SOURCE, 'build/roots')))
    if (/-[0-9a-f]{16}$/.test(name))
      await shell('cp -al "$1/build/roots/$3" "$2/build/roots/"', SOURCE, folder, name);
  await shell('cp -al "$1"/build/cache/initrd-* "$2/build/cache/"', SOURCE, folder);
}

function shell(script: string, ...args: string[]): Promise<string> {
  return runOrThrow(run, 'sh', ['-c', script, 'bench', ...args], {
    timeout_ms: BUILD_TIMEOUT_MS,
    env: ANY_OWNER,
  });
}
