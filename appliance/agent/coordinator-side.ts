import type { Logger } from '@logtape/logtape';
import { describeError } from '../../base/errors.ts';
import { hardwareName } from '../../base/hardware.ts';
import { DEVICE_CONFIG_FILE, IMAGE_CONFIG_FILE, SITE_CONTROL_SOCKET } from '../../base/paths.ts';
import type { Run } from '../../base/run.ts';
import type { CoordinatorStatus } from '../../status-page/status.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { probeCoordinator } from '../coordinator-probe/probe.ts';
import { createProber } from '../coordinator-probe/prober.ts';
import type { FactPaths } from '../facts/fact-context.ts';
import { readHardware } from '../facts/hardware.ts';
import { readNetwork } from '../facts/network.ts';
import { readUptime } from '../facts/system.ts';
import { readDeviceKey } from '../identity/read.ts';
import type { Link } from '../link/link.ts';
import { unableLink, withLink } from '../link/link-section.ts';
import type { OrderPaths } from '../orders/order-paths.ts';
import type { Orders } from '../orders/start.ts';
import { linkState } from './link-state.ts';

export interface CoordinatorSideOptions {
  settings: Config['coordinator'];
  paths: FactPaths;
  /** Folder that is kept over a restart; null where there is none. */
  storeFolder: string | null;
  loadConfig: () => LoadedConfig;
  /** Where root is asked for what this process may not do, and where it answers. */
  orderPaths: OrderPaths;
  run: Run;
  /** Where the site's service is asked. */
  siteSocket?: string;
  /** Ends this process in good order; somebody starts it again. */
  restart: () => void;
  /** Something on the page has changed. */
  onChange: () => void;
  now: () => Date;
  warn: (message: string) => void;
  log: Logger;
}

/** Everything of the agent that has to do with its coordinator. Without an address there is none of it. */
export interface CoordinatorSide {
  status(): CoordinatorStatus;
  start(): void;
  /** The network has changed: worth a try now instead of in ten minutes. */
  kick(): void;
  stop(): Promise<void>;
}

export async function createCoordinatorSide(options: CoordinatorSideOptions): Promise<CoordinatorSide> {
  const { settings, paths, onChange } = options;
  const network = () => linkState(readNetwork(paths.proc, paths.sys, paths.run, paths.etc));
  const ca = settings.ca_certificate === null ? {} : { ca_pem: settings.ca_certificate };
  const probe = (to: URL, signal?: AbortSignal) =>
    probeCoordinator(to, { link: network, ...(signal ? { signal } : {}), ...ca });
  const prober = createProber({
    url: settings.url,
    interval_ms: settings.poll_interval_s * 1000,
    probe,
    ...{ now: options.now, random: Math.random, onChange },
  });
  const url = settings.url === null ? null : URL.parse(settings.url);
  const made = url === null ? null : await makeLink(url, options, probe);
  return {
    status() {
      if (made === null) return withLink(prober.status(), null, null);
      if ('problem' in made) return withLink(prober.status(), unableLink(), made.problem);
      return withLink(prober.status(), made.link.status(), made.link.problem());
    },
    start() {
      prober.start();
      if (made !== null && 'link' in made) made.link.start();
    },
    kick() {
      prober.kick();
      if (made !== null && 'link' in made) made.link.kick();
    },
    async stop() {
      prober.stop();
      if (made !== null && 'link' in made) await made.stop();
    },
  };
}

type Made = { link: Link; stop: () => Promise<void> } | { problem: string };

/** Loaded only where there is a coordinator: the others need none of its memory. */
async function makeLink(
  url: URL,
  options: CoordinatorSideOptions,
  probe: (to: URL) => Promise<unknown>,
): Promise<Made> {
  const { settings, paths, storeFolder, log, warn, loadConfig, now } = options;
  const { createLink } = await import('../link/link.ts');
  const { startFingerprint } = await import('../fingerprint/start.ts');
  const { startOrders } = await import('../orders/start.ts');
  const { startEvidenceCourier } = await import('./evidence-courier.ts');
  const { startSiteReporter } = await import('./site-reporter.ts');
  const { fetchRules } = await import('../orders/fetch-rules.ts');
  const { callSite } = await import('../site/control/client.ts');
  try {
    const key = readDeviceKey(paths.deviceKeyFile);
    const fingerprint = startFingerprint({
      ...{
        paths,
        warn,
        configFiles: [IMAGE_CONFIG_FILE, DEVICE_CONFIG_FILE],
        loadConfig,
      },
      memoryFile: storeFolder === null ? null : `${storeFolder}/told-release.json`,
    });
    const uptime_s = () => Math.floor(readUptime(paths.proc) ?? 0);
    let orders: Orders | undefined;
    const link = createLink({
      ...{ url, ca_pem: settings.ca_certificate, provision_code: settings.provision_code, key, log },
      ...{ folder: storeFolder, fingerprint, uptime_s, random: Math.random },
      hardware: hardwareName(readHardware(paths.sys)),
      makeOrders: (outbox) => {
        orders = startOrders({
          ...{ folder: storeFolder, outbox, facts: paths, paths: options.orderPaths, coordinatorUrl: url },
          ...{
            loadConfig,
            fingerprint,
            probe,
            restart: options.restart,
            uptime_s,
            run: options.run,
            now,
            warn,
            steady_ms: () => performance.now(),
            site: callSite,
            fetchRules: () => fetchRules(url, settings.ca_certificate),
          },
          note: (message) => log.info`${message}`,
        });
        return orders;
      },
      update: () => orders?.update(),
      onChange: options.onChange,
    });
    const socket = options.siteSocket ?? SITE_CONTROL_SOCKET;
    const courier = startEvidenceCourier({ link, socket, warn });
    const reporter = startSiteReporter({ link, socket, warn, now });
    const stop = async () => {
      fingerprint.stop();
      const carried = Promise.all([courier.stop(), reporter.stop()]);
      await link.stop();
      await carried;
    };
    return { link, stop };
  } catch (error) {
    const problem = describeError(error);
    warn(`this machine cannot enrol: ${problem}`);
    return { problem };
  }
}
