import { readFileSync } from 'node:fs';
import { formatBytes } from '../../base/text.ts';
import { TransferMeter } from '../../updater/fetch/meter.ts';
import { releasePlace } from '../../updater/install/release-place.ts';
import { priceWays, type WayPrice } from '../../updater/install/ways.ts';
import { requireInstalled } from '../slots/slots-tools.ts';
import { bundlesOrConfigured } from './install-command.ts';
import { installTools } from './install-tools.ts';
import { CHECK_PATIENCE_MS } from './limits.ts';
import { readRunningRelease } from './running-release.ts';
import type { UpdateTools } from './update-tools.ts';

/** The facts of `bulkhead update check`. */
export interface CheckFacts {
  running: string;
  /** Of the release that was looked at; null when that could not be told. */
  available: string | null;
  installable: boolean;
  /** What that look itself has fetched. */
  fetched_bytes: number;
  ways: WayPrice[];
}

/**
 * Whether a release could be installed, and what it would cost to fetch. Changes nothing but a newer key set, which
 * counts as soon as it is seen.
 *
 * @throws BulkheadError UPDATE_NO_URL, UPDATE_PLACE_INVALID, SLOTS_NEED_ROOT
 */
export async function checkRelease(
  tools: UpdateTools,
  locations: readonly string[],
  caFile: string | undefined,
): Promise<CheckFacts> {
  const { config } = tools.config();
  const installed = await requireInstalled(tools.slots, 'update check');
  const running = await readRunningRelease(tools, installed);
  const meter = new TransferMeter({});
  const place = releasePlace(bundlesOrConfigured(locations, config), {
    meter,
    retry_for_ms: CHECK_PATIENCE_MS,
    ...(caFile === undefined ? {} : { ca_pem: readFileSync(caFile, 'utf8') }),
  });
  const ways = await priceWays(
    place,
    { allowed: { anyHardware: config.install.hardware === 'any' }, reboot: 'no' },
    installTools(tools, installed, running, {
      transferred_bytes: () => meter.transferred_bytes,
      onEvent: () => {},
    }),
  );
  return {
    running: running.manifest.version,
    available: ways.find(({ version }) => version !== null)?.version ?? null,
    installable: ways.some(({ refusal }) => refusal === null),
    fetched_bytes: meter.transferred_bytes,
    ways,
  };
}

/** For people. */
export function checkText({ running, available, installable, ways }: CheckFacts): string {
  const lines = [
    installable ? `${available} can be installed; ${running} runs` : `${running} runs, and stays:`,
  ];
  for (const { method, fetch_bytes, refusal } of ways) {
    lines.push(
      `  ${method.padEnd(7)} ${refusal === null ? `${formatBytes(fetch_bytes ?? 0)} to fetch` : refusal.message}`,
    );
    if (refusal?.hint) lines.push(`          ${refusal.hint}`);
  }
  if (ways.length === 0) lines.push('  there is no such release');
  return lines.join('\n');
}
