import { statfsSync } from 'node:fs';
import { type AnyElysia, Elysia } from 'elysia';
import { describeError } from '../../base/errors.ts';
import { VERSION } from '../../base/version.ts';
import { serveControl } from './control/server.ts';
import { SITE_SHUTDOWN_MS } from './limits.ts';
import { type SitePart, type SiteParts, startParts } from './parts.ts';
import type { SiteStore, StoreState } from './store/store.ts';

export interface SiteOptions extends SiteParts {
  /** The control socket. */
  socket: string;
}

export interface Site {
  /** Closes everything, the last started first; false when something would not close in time. */
  stop(): Promise<boolean>;
}

/** What `bulkhead site status` shows. */
export interface SiteStatus {
  version: string;
  /** RFC 3339. */
  started_at: string;
  /** The file system, and the database in it. */
  store: { folder: string; size_bytes: number; free_bytes: number; database: StoreState };
}

/** Starts all parts of the site's service. @throws BulkheadError of the part that could not start; what had started is stopped */
export async function startSite(options: SiteOptions): Promise<Site> {
  const { log, socket } = options;
  const parts: SitePart[] = [];
  const stopParts = async () => {
    for (const part of parts.splice(0).reverse())
      await part.stop().catch((error) => log.error`a part would not stop: ${describeError(error)}`);
  };
  try {
    await startParts(options, parts, (store) => statusControl(options, store));
    const control = serveControl({
      ...{ socket, parts: parts.flatMap((part) => part.control ?? []) },
      onFault: (words) => log.error`a question over the control socket failed: ${words}`,
    });
    parts.push({ stop: () => control.stop() });
  } catch (error) {
    await stopParts();
    throw error;
  }
  return {
    stop: () => Promise.race([stopParts().then(() => true), Bun.sleep(SITE_SHUTDOWN_MS).then(() => false)]),
  };
}

function statusControl({ folder, now }: SiteOptions, database: SiteStore): AnyElysia {
  const started_at = now().toISOString();
  return new Elysia().get('/v1/site', (): SiteStatus => {
    const { blocks, bavail, bsize } = statfsSync(folder);
    const room = { folder, size_bytes: blocks * bsize, free_bytes: bavail * bsize };
    return { version: VERSION, started_at, store: { ...room, database: database.state() } };
  });
}
