import { dirname, join } from 'node:path';
import { describeError } from '../../base/errors.ts';
import type { Run } from '../../base/run.ts';
import { readMachineFacts } from '../../health-gate/machine-facts.ts';
import type { Heartbeat } from '../../protocol/messages/reports.ts';
import { watchFolder } from '../agent/watch-folder.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { FactPaths } from '../facts/fact-context.ts';
import type { FingerprintSource, Outbox } from '../link/interfaces.ts';
import { askFor, takeBack } from './ask-root.ts';
import { openBook } from './book.ts';
import { BOOK_FILE } from './book-table.ts';
import { heartbeatUpdate } from './heartbeat-update.ts';
import { doJob } from './jobs/do-job.ts';
import type { SiteAsk } from './jobs/site-jobs.ts';
import { createLook } from './look.ts';
import type { OrderPaths } from './order-paths.ts';
import { createOrderRunner, type RunningOrders } from './runner.ts';

export interface OrdersOptions {
  /** What is kept over a restart lies here; null where there is no such place. */
  folder: string | null;
  outbox: Outbox;
  facts: FactPaths;
  paths: OrderPaths;
  coordinatorUrl: URL | null;
  loadConfig: () => LoadedConfig;
  fingerprint: Pick<FingerprintSource, 'current'>;
  /** How far the way to the coordinator leads. */
  probe: (url: URL) => Promise<unknown>;
  site: SiteAsk;
  fetchRules: () => Promise<unknown>;
  /** Ends this process in good order; systemd starts it again. */
  restart: () => void;
  uptime_s: () => number;
  run: Run;
  now: () => Date;
  /** Milliseconds that never jump. */
  steady_ms: () => number;
  warn: (message: string) => void;
  note: (message: string) => void;
}

export interface Orders extends RunningOrders {
  /** Where an update stands, for the heartbeat; undefined: there is none to tell of. */
  update(): Heartbeat['update'];
}

/** The orders of this machine: what was left of them goes on, and what root's helpers write is looked at when they write it. */
export function startOrders(options: OrdersOptions): Orders {
  const { folder, facts, paths, outbox, warn, now } = options;
  const book = openBook(folder === null ? null : join(folder, BOOK_FILE), warn);
  const look = createLook(options);
  const runner = createOrderRunner({
    ...{ book, outbox, look, warn, note: options.note, run_id: crypto.randomUUID() },
    ...{ now_ms: () => now().getTime(), steady_ms: options.steady_ms },
    effects: {
      begin: (entry, type) => askFor(entry, type, options),
      withdraw: (entry) => takeBack(entry, paths),
      job: (entry, type, to, keys) => doJob(entry, type, to, options, keys),
    },
  });
  const files = [facts.machineFactsFile, facts.updateHistoryFile, paths.powerAnswer];
  const watches = [...new Set(files.map((file) => dirname(file)))].map((folderOf) =>
    watchFolder(folderOf, runner.poke),
  );
  return {
    ...runner,
    update: () => {
      try {
        return heartbeatUpdate(readMachineFacts(facts.machineFactsFile), look().update, book.open());
      } catch (error) {
        warn(`where the update stands is not known: ${describeError(error)}`);
        return undefined;
      }
    },
    async stop() {
      for (const unwatch of watches) unwatch();
      await runner.stop();
    },
  };
}
