import { dirname } from 'node:path';
import { startLog } from '../../base/log.ts';
import { AGENT_STORE_FOLDER, CONSOLE_FILE, HEALTH_FILE, SITE_CONTROL_SOCKET } from '../../base/paths.ts';
import { run } from '../../base/run.ts';
import { complianceSource } from '../compliance/status-source.ts';
import { loadConfig } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import { APPLIANCE_PATHS } from '../facts/fact-context.ts';
import { findStoreFolder } from '../facts/store-folder.ts';
import { ORDER_PATHS } from '../orders/order-paths.ts';
import { startAgent } from './agent.ts';
import { endOnUnhandled, nextSignal } from './process-end.ts';
import { createServiceManager } from './service-manager.ts';

/**
 * Runs the agent on this machine until a signal ends it.
 *
 * @returns exit status: 0 after an orderly end, 1 when something would not close in time
 * @throws BulkheadError when the port cannot be opened
 */
export async function runAgent(options: { port: number; listen?: string }): Promise<number> {
  const log = startLog(process.env, 'agent');
  endOnUnhandled(log);
  const signalled = nextSignal();
  const { config, problems } = loadConfig();
  for (const problem of problems) log.warn`configuration: ${formatProblem(problem)}`;
  const agent = await startAgent({
    ...options,
    siteId: config.site_id,
    coordinator: config.coordinator,
    loadConfig,
    storeFolder: findStoreFolder(APPLIANCE_PATHS.proc, AGENT_STORE_FOLDER),
    paths: APPLIANCE_PATHS,
    compliance: complianceSource(),
    siteSocket: SITE_CONTROL_SOCKET,
    orderPaths: ORDER_PATHS,
    // The way of every other end: systemd takes it for one, and starts the next process.
    restart: () => process.kill(process.pid, 'SIGTERM'),
    watchedFolder: dirname(HEALTH_FILE),
    consoleFile: CONSOLE_FILE,
    run,
    now: () => new Date(),
    log,
    serviceManager: createServiceManager(process.env, run, (message) => log.warn`${message}`),
  });
  const signal = await signalled;
  log.info('stopping', { signal });
  const orderly = await agent.stop();
  if (!orderly) log.warn`something would not close in time`;
  // What still runs (a probe under way, a child) has nothing left to say; waiting for it would only delay the stop.
  process.exitCode = orderly ? 0 : 1;
  setImmediate(() => process.exit());
  return orderly ? 0 : 1;
}
