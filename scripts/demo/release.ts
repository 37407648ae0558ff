import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VERSION } from '../../base/version.ts';
import { SLOT_FILE } from '../../test/qemu/fixtures/image.ts';
import { buildVariant, removeVariants } from '../../test/qemu/fixtures/variants.ts';
import { createRelease } from '../../updater/bundle/create-release.ts';
import { readSigner } from '../../updater/signing/key-file.ts';
import { readKeysetFile } from '../../updater/signing/keyset-file.ts';
import { imageKeyset, releaseKey } from '../release-keys.ts';
import { BUILD, RELEASES } from '../start/workplace.ts';

/** A release of the demonstration, signed with the key of this checkout. */
export interface DemoRelease {
  version: string;
  /** Bundle, with its delta beside it. */
  file: string;
  notes: string;
}

/** Named in the list of what the gate waits for, and in no unit file. */
const MISSING_UNIT = 'never-built.service';

/**
 * Makes the next version out of the image that was built last: with another greeting on the screen, or with a unit missing
 * that the gate wants to see.
 *
 * @param running version of the appliance, which a delta is made from where its slot image is still here
 * @param taken versions that were published already
 */
export async function makeRelease(
  kind: 'update' | 'rollback',
  running: string,
  taken: readonly string[],
  say: (text: string) => void,
): Promise<DemoRelease> {
  const version = nextVersion([running, ...taken]);
  say(`Making ${version} …`);
  // What an earlier demonstration left of the same version was made from another image.
  rmSync(join(RELEASES, version), { recursive: true, force: true });
  mkdirSync(join(RELEASES, version), { recursive: true });
  const slot_image = slotOf(version);
  const variant = await buildVariant(`demo-${kind}`, version, (tree) => {
    if (kind === 'update') writeFileSync(join(tree, 'etc/issue'), `Bulkhead ${version}\n`);
    else append(join(tree, 'usr/lib/bulkhead/critical-units'), `${MISSING_UNIT}\n`);
  });
  copyFileSync(variant.file, slot_image);
  removeVariants();
  const base = running === VERSION ? SLOT_FILE : slotOf(running);
  const file = join(RELEASES, version, `bulkhead-${version}.bundle`);
  let told = '';
  const keysets = readKeysetFile(imageKeyset(process.env, BUILD, Date.now()));
  await createRelease({
    ...{ output: file, slot_image, from: existsSync(base) ? [base] : [], blocks: false, onlyDeltas: false },
    signers: [readSigner(releaseKey(process.env, BUILD, Date.now()))],
    trust: keysets,
    now: new Date(),
    onProgress: ({ phase, done_bytes, total_bytes }) => {
      const line = `  … ${phase.padEnd(12)} ${Math.floor((10 * done_bytes) / total_bytes) * 10} %`;
      if (line !== told) say(line);
      told = line;
    },
  });
  const notes =
    kind === 'update' ? 'another greeting on the screen' : `wants ${MISSING_UNIT}, which does not exist`;
  return { version, file, notes };
}

const slotOf = (version: string) => join(RELEASES, version, 'image.slot');

function append(path: string, line: string): void {
  writeFileSync(path, readFileSync(path, 'utf8') + line);
}

/** One patch above the highest of them. */
function nextVersion(versions: readonly string[]): string {
  const numbers = versions.map((version) => version.split('.').map(Number));
  numbers.sort((one, other) => compare(other, one));
  const [[major = 0, minor = 0, patch = 0] = []] = numbers;
  return `${major}.${minor}.${patch + 1}`;
}

function compare(one: readonly number[], other: readonly number[]): number {
  for (const at of [0, 1, 2]) {
    const difference = (one[at] ?? 0) - (other[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
