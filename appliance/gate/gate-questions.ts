import { describeError } from '../../base/errors.ts';
import type { StatusReading } from '../../health-gate/check.ts';
import { admitStatus } from '../../status-page/status-check.ts';
import { isRevoked } from '../../updater/signing/keyset.ts';
import { trustKeysetFile } from '../../updater/signing/trusted-keys.ts';

/** What the health gate asks of parts that it does not know: the page and the signatures. */

/** The version that a status says runs; or, where this is no status, the first field that is wrong. */
export function readStatus(answer: unknown): StatusReading {
  try {
    return { version: admitStatus(answer).version.running };
  } catch (error) {
    return { problem: describeError(error) };
  }
}

/**
 * The keys that every release is held to, in one sentence.
 *
 * @param imageFile IMAGE_KEYSET_FILE
 * @throws BulkheadError KEYS_… where the file is missing, damaged, or not signed by its own root keys
 */
export function describeUpdateKeys(imageFile: string): string {
  const { keyset } = trustKeysetFile(imageFile);
  const signing = keyset.keys.filter(({ id, roles }) => roles.includes('release') && !isRevoked(keyset, id));
  return `key set ${keyset.version} of the image, release keys: ${signing.length}`;
}
