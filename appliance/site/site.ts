import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '@logtape/logtape';
import { type AnyElysia, Elysia } from 'elysia';
import { describeError } from '../../base/errors.ts';
import { VERSION } from '../../base/version.ts';
import { openEvidence } from '../evidence/evidence.ts';
import type { EvidenceKey } from '../evidence/key.ts';
import { findingsControl } from '../findings/control.ts';
import { createFindings } from '../findings/findings.ts';
import { FINDINGS_PART } from '../findings/tables.ts';
import { createWitness, WITNESS_PART } from '../findings/witness.ts';
import { serveControl } from './control/server.ts';
import { SITE_SHUTDOWN_MS } from './limits.ts';
import { openSiteStore, type SiteStore, type StoreState } from './store/store.ts';

export interface SiteOptions {
  /** Where it keeps what it keeps. */
  folder: string;
  /** The control socket. */
  socket: string;
  /** What evidence is signed with. */
  evidenceKey: EvidenceKey;
  now: () => Date;
  log: Logger;
}

/** One of the things that the service is made of. */
export interface SitePart {
  /** Its routes on the control socket. */
  control?: AnyElysia;
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
  const { log, socket } = options;
  const parts: SitePart[] = [];
  const stopParts = async () => {
    for (const part of parts.splice(0).reverse())
      await part.stop().catch((error) => log.error`a part would not stop: ${describeError(error)}`);
  };
  try {
    await startParts(options, parts);
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

/** @param parts what has started, in this order */
async function startParts(options: SiteOptions, parts: SitePart[]): Promise<void> {
  const { log, folder, now, evidenceKey } = options;
  const warn = (message: string) => log.warn`${message}`;
  const tables = [FINDINGS_PART, WITNESS_PART];
  const store = openSiteStore({ file: join(folder, 'site.db'), parts: tables, warn });
  parts.push({ control: statusControl(options, store), stop: async () => store.stop() });

  const evidence = await openEvidence({
    ...{ folder: join(folder, 'evidence'), key: evidenceKey, now, warn },
    random: (size_bytes) => crypto.getRandomValues(new Uint8Array(size_bytes)),
  });
  parts.push({ stop: () => evidence.stop() });
  await evidence.append([{ kind: 'site.started', body: { version: VERSION } }]);

  const findings = createFindings({ store, now_ms: () => now().getTime(), warn });
  const witness = createWitness({ store, findings, evidence, warn });
  parts.push({
    control: findingsControl(findings),
    stop: async () => {
      await witness.stop();
      findings.stop();
    },
  });
  void witness.tell();
}

function statusControl({ folder, now }: SiteOptions, database: SiteStore): AnyElysia {
  const started_at = now().toISOString();
  return new Elysia().get('/v1/site', (): SiteStatus => {
    const { blocks, bavail, bsize } = statfsSync(folder);
    const room = { folder, size_bytes: blocks * bsize, free_bytes: bavail * bsize };
    return { version: VERSION, started_at, store: { ...room, database: database.state() } };
  });
}
