import { createHash } from 'node:crypto';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fsyncFolder } from '../../base/atomic-file.ts';
import { BulkheadError } from '../../base/errors.ts';
import { askSite, callSite } from '../site/control/client.ts';
import type { ExportTold } from './control.ts';
import { verifyEvidence } from './verify.ts';

export interface ExportWish {
  file: string;
  socket: string;
  chain?: string;
  /** Whoever has the file keeps it. */
  kept: boolean;
}

/**
 * Writes an export into a file, as it comes, reads it back, verifies it, and puts on record that it was made.
 *
 * @throws BulkheadError EVIDENCE_EXPORT_EXISTS, EVIDENCE_EXPORT_BROKEN, SITE_*
 */
export async function fetchExport({ file, socket, chain, kept }: ExportWish): Promise<ExportTold> {
  if (existsSync(file))
    throw new BulkheadError('EVIDENCE_EXPORT_EXISTS', `${file} is there already and is not written over`);
  const partial = `${file}.partial`;
  try {
    const query = chain === undefined ? '' : `?chain=${encodeURIComponent(chain)}`;
    const response = await askSite(`/v1/evidence/export${query}`, { socket });
    const { sha256, size_bytes } = await write(partial, response);
    const { whole, chains, fault } = await verifyEvidence(partial, { device_keys: [], coordinator_keys: [] });
    renameSync(partial, file);
    fsyncFolder(dirname(file));
    if (!whole)
      throw new BulkheadError(
        'EVIDENCE_EXPORT_BROKEN',
        `${file} was written, and is not whole: ${fault?.message}`,
        {
          hint: `record ${fault?.seq} of chain ${fault?.chain}; --chain exports one chain without those that are damaged`,
        },
      );
    const told: ExportTold = {
      ...{ sha256, size_bytes, kept },
      chains: chains.map(({ chain: id, first_seq, last_seq }) => ({ chain: id, first_seq, last_seq })),
    };
    await callSite('/v1/evidence/exports', { socket, method: 'POST', body: told });
    return told;
  } finally {
    rmSync(partial, { force: true });
  }
}

async function write(path: string, response: Response): Promise<{ sha256: string; size_bytes: number }> {
  const sha256 = createHash('sha256');
  let size_bytes = 0;
  const file = await open(path, 'w', 0o600);
  try {
    for await (const chunk of response.body ?? []) {
      await file.writeFile(chunk);
      sha256.update(chunk);
      size_bytes += chunk.length;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { sha256: sha256.digest('hex'), size_bytes };
}
