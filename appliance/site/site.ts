import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '@logtape/logtape';
import { type AnyElysia, Elysia } from 'elysia';
import { describeError } from '../../base/errors.ts';
import { VERSION } from '../../base/version.ts';
import { findingsControl } from '../findings/control.ts';
import { createFindings } from '../findings/findings.ts';
import { FINDINGS_PART } from '../findings/tables.ts';
import { serveControl } from './control/server.ts';
import { SITE_SHUTDOWN_MS } from './limits.ts';
import { openSiteStore, type SiteStore, type StoreState } from './store/store.ts';

export interface SiteOptions {
  /** Where it keeps what it keeps. */
  folder: string;
  /** The control socket. */
  socket: string;
  now: () => Date;
  log: Logger;
}

/** One of the things that the service is made of. */
export interface SitePart {
  /** Its routes on the control socket. */
  control: AnyElysia;
  stop(): Promise<void>;
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
  const { log, folder } = options;
  const warn = (message: string) => log.warn`${message}`;
  const store = openSiteStore({ file: join(folder, 'site.db'), parts: [FINDINGS_PART], warn });
  const findings = createFindings({ store, now_ms: () => options.now().getTime(), warn });
  const parts: SitePart[] = [
    statusPart(options, store),
    { control: findingsControl(findings), stop: async () => findings.stop() },
  ];
  const control = serveControl({
    socket: options.socket,
    parts: parts.map((part) => part.control),
    onFault: (words) => log.error`a question over the control socket failed: ${words}`,
  });
  return {
    async stop() {
      const closed = (async () => {
        await control.stop();
        for (const part of parts.reverse())
          await part.stop().catch((error) => log.error`a part would not stop: ${describeError(error)}`);
        store.stop();
        return true;
      })();
      return Promise.race([closed, Bun.sleep(SITE_SHUTDOWN_MS).then(() => false)]);
    },
  };
}

function statusPart({ folder, now }: SiteOptions, database: SiteStore): SitePart {
  const started_at = now().toISOString();
  const control = new Elysia().get('/v1/site', (): SiteStatus => {
    const { blocks, bavail, bsize } = statfsSync(folder);
    const room = { folder, size_bytes: blocks * bsize, free_bytes: bavail * bsize };
    return { version: VERSION, started_at, store: { ...room, database: database.state() } };
  });
  return { control, stop: async () => {} };
}
