import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '@logtape/logtape';
import { ALARM_INTERVAL_MS } from './alarms/limits.ts';
import { watchFleet } from './alarms/watch.ts';
import { collectArtifacts } from './artifacts/collect.ts';
import { type ArtifactStore, localStore } from './artifacts/store.ts';
import { sweepJobs } from './builds/work.ts';
import type { Coordinator, Settings } from './context.ts';
import { openDatabase } from './database/open.ts';
import { unitOfWork } from './database/unit-of-work.ts';
import { deliver } from './delivery/courier.ts';
import { COURIER_INTERVAL_MS } from './delivery/limits.ts';
import { forgetDeliveries } from './delivery/queue.ts';
import { forgetOver } from './devices/forget.ts';
import { createKeyRing } from './devices/keys.ts';
import { FORGET_INTERVAL_MS, SIGN_INS_WAITING_MAX, SWEEP_INTERVAL_MS } from './limits.ts';
import { createLiveHub } from './live/hub.ts';
import { sweepOrders } from './orders/results.ts';
import { firstSignIn } from './people/sign-in.ts';
import { createTurnstile } from './people/turnstile.ts';
import { setReleaseKeys } from './releases/keys.ts';
import { createHeartbeatQueue } from './reports/heartbeats.ts';
import { createReceiver } from './reports/receive.ts';
import { createSessionKeys } from './reports/session-keys.ts';
import { forgetOld } from './retention/forget-old.ts';
import { KEEP_DAYS, type KeepDays } from './retention/keep-days.ts';
import { PLAN_INTERVAL_MS } from './rollouts/run/limits.ts';
import { createPlanner } from './rollouts/run/loop.ts';
import { createApp } from './server/app.ts';
import { createMetrics } from './server/metrics.ts';
import { repeat } from './server/repeat.ts';
import { ownAuthorities, serve, type Tls } from './server/serve.ts';
import { orderKey, sessionSecret } from './server-keys.ts';

export interface StartOptions {
  /** Folder of the SQLite database and of artifacts; made when it is not there. */
  data: string;
  /** Instead of the folder `data`/artifacts; coordinators on one PostgreSQL share it. */
  artifacts?: ArtifactStore | undefined;
  /** Key sets whose releases are taken, as in the image; none: those that an administrator has sent. */
  release_keys?: Uint8Array | undefined;
  /** postgres://… instead of SQLite. */
  database_url?: string | undefined;
  /** Address to listen on. */
  listen: string;
  /** 0 picks a free one. */
  port: number;
  /** None: plain HTTP, behind a reverse proxy that speaks TLS, or on this machine alone. */
  tls?: Tls | undefined;
  /** Addresses at which appliances reach the coordinator; none: every name of this machine. */
  urls: readonly URL[];
  settings: Omit<Settings, 'authorities'>;
  log: Logger;
  /** Instead of SWEEP_INTERVAL_MS. */
  sweep_interval_ms?: number;
  /** Instead of PLAN_INTERVAL_MS. */
  plan_interval_ms?: number;
  /** Instead of ALARM_INTERVAL_MS. */
  alarm_interval_ms?: number;
  /** Instead of COURIER_INTERVAL_MS. */
  courier_interval_ms?: number;
  /** Instead of KEEP_DAYS. */
  keep?: KeepDays | undefined;
  /** Instead of FORGET_INTERVAL_MS. */
  forget_interval_ms?: number;
  /** Instead of the clock of this machine. */
  now_ms?: () => number;
}

export interface RunningCoordinator {
  port: number;
  /** Where people open it on this machine. */
  url: string;
  /** File, or host and name, of the database. */
  place: string;
  /** Signs the first administrator in; undefined when somebody can let others in. */
  firstSignIn: { code: string; expires_ms: number } | undefined;
  stop(): Promise<void>;
}

/**
 * Opens database and port.
 *
 * @throws BulkheadError DATABASE_*, LISTEN_FAILED, TLS_UNUSABLE, RELEASE_KEYS_REFUSED
 */
export async function startCoordinator(options: StartOptions): Promise<RunningCoordinator> {
  const { log } = options;
  const now_ms = options.now_ms ?? Date.now;
  const opened = await openDatabase({ data: options.data, url: options.database_url });
  const { database, snapshots, backend, place } = opened;
  try {
    const doWork = unitOfWork({ database, backend });
    const authorities = new Set<string>();
    const coordinator: Coordinator = {
      ...{
        database,
        snapshots,
        doWork,
        backend,
        log,
        now_ms,
        metrics: createMetrics(),
      },
      settings: { ...options.settings, authorities },
      random: (size_bytes) => crypto.getRandomValues(new Uint8Array(size_bytes)),
      signIns: createTurnstile('too many sign-ins at once', SIGN_INS_WAITING_MAX),
      orderKey: await orderKey(doWork, now_ms()),
      artifacts: options.artifacts ?? localStore(join(options.data, 'artifacts')),
      live: createLiveHub({ database, now_ms, log }),
    };
    if (options.release_keys) await setReleaseKeys(coordinator, 'operator:serve', options.release_keys);
    const first = await firstSignIn(coordinator);
    const heartbeats = createHeartbeatQueue(coordinator);
    const sessionKeys = createSessionKeys(await sessionSecret(doWork, now_ms()), now_ms);
    const receiver = createReceiver(coordinator, createKeyRing(database), sessionKeys);
    const app = createApp(coordinator, { receiver, heartbeats, sessionKeys });
    const { port, tls } = options;
    const server = serve(app, coordinator, { hostname: options.listen, port, tls });
    // The port may only be known now.
    for (const name of ownAuthorities(options.urls, hostname(), server.port)) authorities.add(name);
    const sweep_interval_ms = options.sweep_interval_ms ?? SWEEP_INTERVAL_MS;
    const forget_interval_ms = options.forget_interval_ms ?? FORGET_INTERVAL_MS;
    const alarm_interval_ms = options.alarm_interval_ms ?? ALARM_INTERVAL_MS;
    const courier_interval_ms = options.courier_interval_ms ?? COURIER_INTERVAL_MS;
    const self = randomUUID();
    const watch = watchFleet(coordinator, self);
    const planner = createPlanner(coordinator, self);
    const plan_interval_ms = options.plan_interval_ms ?? PLAN_INTERVAL_MS;
    const tasks = [
      repeat({ log, what: 'look at rollouts', interval_ms: plan_interval_ms }, () => planner.look()),
      repeat({ log, what: 'look at deadlines of orders', interval_ms: sweep_interval_ms }, () =>
        sweepOrders(coordinator),
      ),
      repeat({ log, what: 'look for lost workers', interval_ms: sweep_interval_ms }, () =>
        sweepJobs(coordinator),
      ),
      repeat({ log, what: 'look for alarms', interval_ms: alarm_interval_ms }, () => watch.look()),
      repeat({ log, what: 'deliver alarms', interval_ms: courier_interval_ms }, () => deliver(coordinator)),
      repeat({ log, what: 'take away old messages', interval_ms: forget_interval_ms }, () =>
        forgetDeliveries(coordinator),
      ),
      repeat({ log, what: 'take away what is old', interval_ms: forget_interval_ms }, () =>
        forgetOld(coordinator, options.keep ?? KEEP_DAYS),
      ),
      repeat({ log, what: 'take away what is over', interval_ms: forget_interval_ms }, () =>
        forgetOver(coordinator),
      ),
      repeat({ log, what: 'take away files that nobody wants', interval_ms: forget_interval_ms }, () =>
        collectArtifacts(coordinator),
      ),
    ];
    log.info('the coordinator is open', { port: server.port, database: place });
    const close = async () => {
      await coordinator.live.close();
      await server.stop();
      for (const task of tasks) await task.stop();
      await watch.stop();
      await planner.stop();
      await heartbeats.drain();
      await snapshots.destroy();
      await database.destroy();
      log.info('the coordinator is closed');
    };
    let closed: Promise<void> | undefined;
    return {
      ...{
        port: server.port,
        url: `${tls === undefined ? 'http' : 'https'}://localhost:${server.port}`,
        place,
        firstSignIn: first,
      },
      async stop() {
        closed ??= close();
        await closed;
      },
    };
  } catch (error) {
    await database.destroy();
    throw error;
  }
}
