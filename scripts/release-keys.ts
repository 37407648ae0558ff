import { join } from 'node:path';
import { developmentKeys } from '../updater/signing/dev-keys.ts';
import { trustKeysetFile } from '../updater/signing/trusted-keys.ts';

/** Whose releases the images of this tree install, and who signs those that are made here. */

type Environment = Record<string, string | undefined>;

/**
 * The key sets that go into an image: BULKHEAD_KEYSET, or the development set of this tree, which is made when there is none.
 *
 * @param build folder for what is made and kept
 * @throws BulkheadError KEYS_… for sets that an appliance would not take
 */
export function imageKeyset(environment: Environment, build: string, now_ms: number): string {
  const file = environment['BULKHEAD_KEYSET'] ?? developmentKeys(join(build, 'keys'), now_ms).keysetFile;
  // An image without keys that work could never be updated.
  trustKeysetFile(file);
  return file;
}

/** The key that signs releases of this tree: BULKHEAD_RELEASE_KEY, or the development key. */
export function releaseKey(environment: Environment, build: string, now_ms: number): string {
  return environment['BULKHEAD_RELEASE_KEY'] ?? developmentKeys(join(build, 'keys'), now_ms).releaseKeyFile;
}
