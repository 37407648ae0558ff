import type { Logger } from '@logtape/logtape';
import { BulkheadError, describeError } from '../../base/errors.ts';
import type { Run } from '../../base/run.ts';
import type { ComplianceSource } from '../../status-page/compliance/source.ts';
import type { StatusServer } from '../../status-page/serve.ts';
import type { Status } from '../../status-page/status.ts';
import type { StatusAppOptions } from '../../status-page/status-app.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { assembleStatus, collectSlowFacts, openJournals } from '../facts/collect-status.ts';
import type { FactContext, FactPaths } from '../facts/fact-context.ts';
import type { OrderPaths } from '../orders/order-paths.ts';
import { watchSensors } from '../site/page/console-sensors.ts';
import { siteSource } from '../site/page/status-source.ts';
import { createConsoleWriter } from './console-writer.ts';
import { createCoordinatorSide } from './coordinator-side.ts';
import { FIRST_COLLECTION_MS, SHUTDOWN_MS } from './limits.ts';
import { networkFingerprint } from './link-state.ts';
import { createRepeatFilter } from './repeat-filter.ts';
import { firstAnswer, selfUrl } from './self-probe.ts';
import type { ServiceManager } from './service-manager.ts';
import { createStatusKeeper } from './status-keeper.ts';
import { watchFolder } from './watch-folder.ts';
import { startWatchdog } from './watchdog.ts';

export interface AgentOptions {
  /** Port of the status page; 0 picks a free one. */
  port: number;
  /** Address to listen on; all of them when absent. */
  listen?: string;
  siteId: string | null;
  coordinator: Config['coordinator'];
  /** Looks at the configuration anew. */
  loadConfig: () => LoadedConfig;
  /** Folder of the agent's own that is kept over a restart; null where there is none. */
  storeFolder: string | null;
  paths: FactPaths;
  /** Where root is asked for what this process may not do, and where it answers. */
  orderPaths: OrderPaths;
  /** Where the page of compliance comes from; absent: nowhere. */
  compliance?: ComplianceSource;
  /** Socket of the service of the site; absent: it is not asked. */
  siteSocket?: string;
  /** Ends this process in good order; somebody starts it again. */
  restart: () => void;
  /** Folder that root's helpers write their facts into. */
  watchedFolder: string;
  consoleFile: string;
  run: Run;
  now: () => Date;
  log: Logger;
  serviceManager: ServiceManager;
}

export interface Agent {
  port: number;
  /** Closes everything within SHUTDOWN_MS; false when something would not close in time. */
  stop(): Promise<boolean>;
}

/**
 * Starts everything the agent does and returns once the page answers.
 *
 * @throws BulkheadError STATUS_PORT_TAKEN, STATUS_PORT_FORBIDDEN, STATUS_LISTEN_FAILED, AGENT_PAGE_SILENT
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { log, paths, serviceManager } = options;
  const now_ms = () => performance.now();
  const isNew = createRepeatFilter(now_ms);
  const warn = (message: string) => {
    if (isNew(message)) log.warn`${message}`;
  };

  const coordinator = await createCoordinatorSide({
    ...{ paths, warn, log, now: options.now, settings: options.coordinator },
    ...{ storeFolder: options.storeFolder, loadConfig: options.loadConfig },
    ...{ orderPaths: options.orderPaths, run: options.run, restart: options.restart },
    onChange: () => keeper.poke(),
  });
  const context: FactContext = {
    paths,
    run: options.run,
    now: options.now,
    siteId: options.siteId,
    coordinator: coordinator.status,
    warn,
  };
  const journals = openJournals(paths);
  const keeper = createStatusKeeper({
    assemble: (slow) => assembleStatus(context, slow, journals),
    collectSlow: () => collectSlowFacts(context),
    now_ms,
  });

  const writeConsole = createConsoleWriter(options.consoleFile, options.now);
  let latest: Status | null = null;
  const showOnConsole = () => {
    try {
      if (latest !== null) writeConsole(latest, sensors?.current() ?? null);
    } catch (error) {
      warn(`cannot write the console text: ${describeError(error)}`);
    }
  };
  const { siteSocket: socket, now } = options;
  const sensors = socket === undefined ? null : watchSensors({ now, socket, onChange: showOnConsole });
  const site = socket === undefined ? null : siteSource({ now, socket, onAdmission: () => sensors?.look() });
  const server = await openPage(options, { source: keeper, site }, warn).catch((error: unknown) => {
    sensors?.stop();
    throw error;
  });
  const url = selfUrl(options.listen, server.port);

  let network: string | null = null;
  let told = '';
  keeper.subscribe((status) => {
    latest = status;
    showOnConsole();
    const sentence = `${status.health.outcome}, slot ${status.boot.slot ?? 'not known'}`;
    if (sentence !== told) {
      told = sentence;
      log.info('health of this boot', { outcome: status.health.outcome, slot: status.boot.slot });
      void serviceManager.tell(sentence);
    }
    // The cable is back, another address: worth a probe now instead of in ten minutes.
    const fingerprint = networkFingerprint(status.network);
    if (network !== null && network !== fingerprint) coordinator.kick();
    network = fingerprint;
  });

  keeper.start();
  coordinator.start();
  const unwatch = watchFolder(options.watchedFolder, keeper.poke);
  const problem = await firstAnswer(url);
  if (problem !== null) {
    // READY would let the gate and the units after us believe in a page that is not there.
    unwatch();
    sensors?.stop();
    await coordinator.stop();
    keeper.stop();
    await server.stop();
    throw new BulkheadError('AGENT_PAGE_SILENT', `the port ${server.port} is open, but ${problem}`);
  }
  await serviceManager.ready(`the status page answers on port ${server.port}`);
  const endWatchdog = startWatchdog(serviceManager, url, warn);
  log.info('the status page is open', { port: server.port });
  const collection = setTimeout(() => Bun.gc(true), FIRST_COLLECTION_MS);

  const stop = async (): Promise<boolean> => {
    clearTimeout(collection);
    endWatchdog();
    unwatch();
    sensors?.stop();
    keeper.stop();
    const closed = Promise.all([serviceManager.stopping(), coordinator.stop(), server.stop()]).then(
      () => true,
    );
    return Promise.race([closed, Bun.sleep(SHUTDOWN_MS).then(() => false)]);
  };
  return { port: server.port, stop };
}

async function openPage(
  options: AgentOptions,
  sources: Pick<StatusAppOptions, 'source' | 'site'>,
  warn: (message: string) => void,
): Promise<StatusServer> {
  const { createStatusApp } = await import('../../status-page/status-app.ts');
  const { serveStatusPage } = await import('../../status-page/serve.ts');
  const app = createStatusApp({
    ...sources,
    compliance: options.compliance ?? null,
    onProblem: (problem) => warn(describeError(problem)),
  });
  return serveStatusPage(app, {
    port: options.port,
    ...(options.listen === undefined ? {} : { hostname: options.listen }),
  });
}
