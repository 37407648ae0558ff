import { existsSync } from 'node:fs';
import { BulkheadError } from '../../base/errors.ts';
import { fileSource } from '../bundle/file-source.ts';
import { systemClock } from '../fetch/clock.ts';
import { httpSource } from '../fetch/http-source.ts';
import type { FetchOptions } from '../fetch/options.ts';
import { exists } from '../fetch/small.ts';
import { BESIDE_PATIENCE_MS, UPDATE_PATIENCE_MS } from '../limits.ts';
import type { ByteSource } from '../source.ts';

/** Where a release lies, and beside it what makes fetching it cheaper: `NAME`, `NAME.blocks`, `NAME.from-ROOT`. */
export interface ReleasePlace {
  /** For messages. */
  readonly name: string;
  /** A file on this machine: fetching costs nothing. */
  readonly local: boolean;
  /** The bundle itself. */
  readonly bundle: ByteSource;
  /** A file beside it, undefined where there is none. @throws BulkheadError what `exists` of updater/fetch throws */
  find(suffix: string): Promise<ByteSource | undefined>;
}

/** @param root_hash of the release that runs */
export function deltaSuffix(root_hash: string): string {
  return `.from-${root_hash.slice(0, 16)}`;
}

/**
 * A file, or one or more URLs of the same bundle, in the order in which they are tried. Servers are waited for from now on, for all
 * ways together no longer than UPDATE_PATIENCE_MS.
 *
 * @param http `retry_for_ms` is how long the bundle itself is waited for without progress
 * @throws BulkheadError UPDATE_PLACE_INVALID
 */
export function releasePlace(locations: readonly string[], http: FetchOptions): ReleasePlace {
  const [first] = locations;
  const remote = locations.filter((location) => /^https?:\/\//i.test(location));
  if (first === undefined || (remote.length > 0 && remote.length < locations.length)) {
    throw new BulkheadError(
      'UPDATE_PLACE_INVALID',
      first === undefined ? 'no bundle was named' : 'files and URLs cannot be mixed',
      { hint: 'name one file, or one or more URLs of the same bundle' },
    );
  }
  if (remote.length > 0) {
    const { clock = systemClock, retry_for_ms = Number.POSITIVE_INFINITY } = http;
    const whole = { ...http, give_up_at_ms: clock.now_ms() + UPDATE_PATIENCE_MS };
    const optional = { ...whole, retry_for_ms: Math.min(retry_for_ms, BESIDE_PATIENCE_MS) };
    const bundle = httpSource(remote, whole);
    return {
      name: bundle.name,
      local: false,
      bundle,
      find: (suffix) =>
        findRemote(
          remote.map((url) => beside(url, suffix)),
          optional,
        ),
    };
  }
  if (locations.length > 1) {
    throw new BulkheadError('UPDATE_PLACE_INVALID', 'more than one file was named', {
      hint: 'one bundle is installed at a time',
    });
  }
  return {
    name: first,
    local: true,
    bundle: fileSource(first),
    find: async (suffix) => (existsSync(`${first}${suffix}`) ? fileSource(`${first}${suffix}`) : undefined),
  };
}

/** What lies beside a bundle can be done without: a mirror that says no ends the search, however dead the others are. */
async function findRemote(urls: readonly string[], http: FetchOptions): Promise<ByteSource | undefined> {
  try {
    return (await exists(urls, http)) === null ? undefined : httpSource(urls, http);
  } catch (error) {
    // Some servers say so of files that are not there.
    if (error instanceof BulkheadError && error.code === 'FETCH_FORBIDDEN') return undefined;
    throw error;
  }
}

/** The same URL with a suffix on its path; a query (a token, say) stays. */
function beside(location: string, suffix: string): string {
  const url = new URL(location);
  url.pathname += suffix;
  return url.href;
}
