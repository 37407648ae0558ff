import { type Api, openApi } from '../../coordinator/client/api.ts';
import { publishRelease } from '../../coordinator/client/publish.ts';
import { serialiseKeysetFile } from '../../updater/signing/keyset-file.ts';
import { testKeysets } from '../../updater/testing/test-keys.ts';
import type { CoordinatorLab } from './coordinator-lab.ts';

/** Key sets that make a coordinator take what TEST_RELEASE signed. */
export const TEST_KEYS_FILE: Uint8Array = serialiseKeysetFile(testKeysets());

/** The API as the command line uses it, for the first administrator. */
export async function administrator(lab: CoordinatorLab): Promise<Api> {
  return openApi({ server: lab.url }, { BULKHEAD_TOKEN: await lab.admin() });
}

/** Makes a bundle a release of the channel `stable`, with what lies beside it. */
export async function publish(lab: CoordinatorLab, bundle: string): Promise<void> {
  await publishRelease(await administrator(lab), bundle, { channel: 'stable', floors: [] });
}
