import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Api } from './api.ts';
import { uploadFile } from './upload.ts';

const BESIDE = /^\.(blocks|from-[0-9a-f]{16})$/;

/**
 * Uploads a bundle, makes a release of it, and lays beside it what lies beside the file.
 *
 * @returns the release as it is then
 */
export async function publishRelease(
  api: Api,
  file: string,
  facts: { channel: string; notes?: string | undefined; floors: readonly string[] },
): Promise<unknown> {
  const bundle_sha256 = await uploadFile(api, file);
  const { id } = (await api.call('POST', '/api/v1/releases', { bundle_sha256, ...facts })) as { id: string };
  const name = basename(file);
  for (const other of readdirSync(dirname(file)).sort()) {
    if (!other.startsWith(name) || !BESIDE.test(other.slice(name.length))) continue;
    const sha256 = await uploadFile(api, join(dirname(file), other));
    await api.call('POST', `/api/v1/releases/${id}/files`, { sha256 });
  }
  return await api.call('GET', `/api/v1/releases/${id}`);
}
