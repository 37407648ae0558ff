import { join } from 'node:path';
import { BulkheadError } from '../../base/errors.ts';
import { startLog } from '../../base/log.ts';
import { SENSOR_PROGRAMS_FOLDER, SITE_CONTROL_SOCKET, SITE_STORE_FOLDER } from '../../base/paths.ts';
import { run } from '../../base/run.ts';
import { endOnUnhandled, nextSignal } from '../agent/process-end.ts';
import { createServiceManager } from '../agent/service-manager.ts';
import { readEvidenceKey } from '../evidence/key.ts';
import { findStoreFolder } from '../facts/store-folder.ts';
import { callSite } from './control/client.ts';
import { FIRST_COLLECTION_MS } from './limits.ts';
import { startSite } from './site.ts';
import { readSiteConfig } from './site-config.ts';

export interface RunSiteOptions {
  /** Instead of the appliance's place, for a workstation. */
  folder?: string;
  socket?: string;
  /** File of the key of the evidence. */
  evidenceKey?: string;
}

/**
 * Runs the service of the site on this machine until a signal ends it, or until it cannot go on: the service manager then starts it anew.
 *
 * @returns exit status: 0 after an orderly end, 1 when something would not close in time
 * @throws BulkheadError SITE_NO_STORE, SITE_SOCKET, SITE_CONFIG, EVIDENCE_KEY_MISSING, EVIDENCE_KEY_DAMAGED, and what its parts throw when they cannot start
 */
export async function runSite(options: RunSiteOptions): Promise<number> {
  const log = startLog(process.env, 'site');
  endOnUnhandled(log);
  const signalled = nextSignal();
  const folder = options.folder ?? findStoreFolder('/proc', SITE_STORE_FOLDER);
  if (folder === null)
    throw new BulkheadError('SITE_NO_STORE', `${SITE_STORE_FOLDER} is not mounted`, {
      hint: "'systemctl status bulkhead-site-store' tells why; on a workstation: --folder",
    });
  const evidenceKey = readEvidenceKey(options.evidenceKey);
  // A folder of one's own is a workstation: nothing was handed over there.
  const config = readSiteConfig(options.folder === undefined ? undefined : null);
  const sensorPrograms =
    options.folder === undefined ? SENSOR_PROGRAMS_FOLDER : join(options.folder, 'sensor-programs');
  const socket = options.socket ?? SITE_CONTROL_SOCKET;
  const serviceManager = createServiceManager(process.env, run, (message) => log.warn`${message}`);
  const failed = Promise.withResolvers<string>();
  const site = await startSite({
    ...{ folder, socket, evidenceKey, config, sensorPrograms, log },
    now: () => new Date(),
    onFailure: () => failed.resolve('the evidence'),
  });
  await serviceManager.ready('the service of the site answers');
  const collection = setTimeout(() => Bun.gc(true), FIRST_COLLECTION_MS);
  const beat = async () => {
    try {
      await callSite('/v1/site', { socket });
      await serviceManager.alive();
    } catch (error) {
      log.warn`no sign of life for the service manager: ${String(error)}`;
    }
  };
  const { aliveInterval_ms } = serviceManager;
  const watchdog = aliveInterval_ms === null ? undefined : setInterval(() => void beat(), aliveInterval_ms);
  const reason = await Promise.race([signalled, failed.promise.then((what) => ({ failed: what }))]);
  log.info('stopping', { reason });
  clearInterval(watchdog);
  clearTimeout(collection);
  await serviceManager.stopping();
  const orderly = await site.stop();
  if (!orderly) log.warn`something would not close in time`;
  process.exitCode = orderly ? 0 : 1;
  setImmediate(() => process.exit());
  return orderly ? 0 : 1;
}
