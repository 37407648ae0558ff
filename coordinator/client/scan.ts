import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { BulkheadError } from '../../base/errors.ts';
import { readBill } from '../vulnerabilities/bill.ts';
import { compareWithFeed } from '../vulnerabilities/compare.ts';
import { readFeed } from '../vulnerabilities/feed.ts';
import { FEED_MAX_BYTES } from '../vulnerabilities/limits.ts';
import type { VulnerabilityReport } from '../vulnerabilities/report.ts';
import type { Api } from './api.ts';

/**
 * Compares a release with a feed here, where the feed is, and puts on record at the coordinator what came of it: a feed is a hundred times
 * larger than anything that it takes.
 *
 * @throws BulkheadError FEED_UNREADABLE, FEED_INVALID, SBOM_INVALID, and what the coordinator says
 */
export async function scanRelease(api: Api, id: string, file: string): Promise<VulnerabilityReport> {
  const at = `/api/v1/releases/${encodeURIComponent(id)}`;
  const { parts } = readBill(await (await api.stream(`${at}/sbom`)).text());
  const bytes = readFeedFile(file);
  const feed = readFeed(bytes.toString('utf8'));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const report = { feed: { kind: feed.kind, sha256 }, ...compareWithFeed(parts, feed) };
  await api.call('PUT', `${at}/vulnerabilities`, report);
  return report;
}

function readFeedFile(file: string): Buffer {
  try {
    const { size } = statSync(file);
    if (size > FEED_MAX_BYTES)
      throw new Error(`it has ${size} bytes, and at most ${FEED_MAX_BYTES} are read`);
    return readFileSync(file);
  } catch (cause) {
    throw new BulkheadError('FEED_UNREADABLE', `the feed ${file} cannot be read`, {
      hint: 'one file; what is packed has to be unpacked before',
      cause,
    });
  }
}
