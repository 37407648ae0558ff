import { describeError } from '../../base/errors.ts';
import { SITE_STORE_FOLDER } from '../../base/paths.ts';
import type { SiteReading, StatusReading } from '../../health-gate/check.ts';
import { admitStatus } from '../../status-page/status-check.ts';
import { isRevoked } from '../../updater/signing/keyset.ts';
import { trustKeysetFile } from '../../updater/signing/trusted-keys.ts';
import { findStoreFolder } from '../facts/store-folder.ts';
import { callSite } from '../site/control/client.ts';

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
 * How the service of the site is.
 *
 * @param proc where the kernel tells what is mounted
 */
export async function askSite(signal: AbortSignal, proc = '/proc', socket?: string): Promise<SiteReading> {
  if (findStoreFolder(proc, SITE_STORE_FOLDER) === null)
    return {
      state: 'absent',
      reason: `${SITE_STORE_FOLDER} is not mounted, so nothing of the site can be kept`,
    };
  try {
    await callSite('/v1/site', { signal, ...(socket === undefined ? {} : { socket }) });
    return { state: 'answers' };
  } catch (error) {
    return { state: 'silent', reason: describeError(error) };
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
