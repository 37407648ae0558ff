import { existsSync, readFileSync } from 'node:fs';
import type { CommandIo } from '../../base/command-line.ts';
import { BulkheadError } from '../../base/errors.ts';
import { AGENT_REQUEST_FILE, OPERATOR_REQUEST_FILE } from '../../base/paths.ts';
import type { InstallResult } from '../../updater/install/install.ts';
import type { RebootWish, UpdateProgress } from '../../updater/state/records.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { requireInstalled } from '../slots/slots-tools.ts';
import { rebootNowIfWanted } from './operate.ts';
import { configuredWindow } from './reboot-when-due.ts';
import { takeRequest, writeRequest } from './request-file.ts';
import { type RollbackReport, rollBackUpdate } from './roll-back.ts';
import { runUpdate, type UpdateRequest } from './run-update.ts';
import { parseSize } from './size-option.ts';
import type { UpdateTools } from './update-tools.ts';

/** Options of `bulkhead update install`, as they were typed. */
export interface InstallCommandOptions {
  reboot?: true;
  deltaOnly?: true;
  maxFetch?: string;
  limitRate?: string;
  ca?: string;
  allowDowngrade?: true;
  retryRejected?: true;
  anyHardware?: true;
  detach?: true;
  json?: true;
}

/** A person waits in front of it; the service is more patient. */
const COMMAND_PATIENCE_MS = 10 * 60_000;
const SERVICE_PATIENCE_MS = 12 * 3_600_000;
/** Where the output is no terminal, a line this often says that it still goes on. */
const LINE_INTERVAL_MS = 5_000;

export async function installCommand(
  tools: UpdateTools,
  io: CommandIo,
  locations: readonly string[],
  options: InstallCommandOptions,
): Promise<void> {
  const { config } = loadConfig();
  const bundles = bundlesOrConfigured(locations, config);
  if (options.detach) return await detach(tools, io, bundles, options);
  const request = requestOf(config, bundles, options, COMMAND_PATIENCE_MS);
  const result = await followUpdate(tools, io, request, options.json === true);
  const rebooting = await rebootNowIfWanted(tools, configuredWindow(config), result.pending.reboot);
  if (options.json) io.out(`${JSON.stringify({ event: 'result', ...result, rebooting })}\n`);
  else io.out(`${readyText(result)}\n`);
}

/** @throws BulkheadError UPDATE_NO_URL */
export function bundlesOrConfigured(locations: readonly string[], config: Config): readonly string[] {
  if (locations.length > 0) return locations;
  if (config.update.url !== null) return [config.update.url];
  throw new BulkheadError('UPDATE_NO_URL', 'no bundle was named and update.url is not configured', {
    hint: 'bulkhead update install FILE-OR-URL, or: sudo bulkhead config set update.url URL',
  });
}

/** What an operator or the agent left in a request file, done by the service, which is started again while there is one. */
export async function runRequest(tools: UpdateTools, io: CommandIo): Promise<{ message: string }> {
  const { urls, delta_only, reboot } = takeRequest(
    existsSync(OPERATOR_REQUEST_FILE) ? OPERATOR_REQUEST_FILE : AGENT_REQUEST_FILE,
  );
  const { config } = loadConfig();
  const options: InstallCommandOptions = {
    ...(delta_only ? { deltaOnly: true } : {}),
    ...(reboot ? { reboot: true } : {}),
  };
  const result = await followUpdate(tools, io, requestOf(config, urls, options, SERVICE_PATIENCE_MS), false);
  await rebootNowIfWanted(tools, configuredWindow(config), result.pending.reboot);
  return { message: readyText(result) };
}

export async function rollBackCommand(tools: UpdateTools, reboot: boolean): Promise<RollbackReport> {
  const window = configuredWindow(loadConfig().config);
  const wish = rebootWish(reboot, window !== null);
  const report = await rollBackUpdate(tools, wish);
  await rebootNowIfWanted(tools, window, wish);
  return report;
}

async function detach(
  tools: UpdateTools,
  io: CommandIo,
  urls: readonly string[],
  options: InstallCommandOptions,
): Promise<void> {
  await requireInstalled(tools.slots, 'update install');
  const { allowDowngrade, retryRejected, anyHardware, maxFetch, limitRate, ca } = options;
  if (allowDowngrade || retryRejected || anyHardware || maxFetch || limitRate || ca) {
    throw new BulkheadError(
      'UPDATE_DETACH_OPTIONS',
      'the updater service takes --delta-only and --reboot only',
      {
        hint: 'leave out --detach, or set update.data_cap_mib and update.bandwidth_limit_kib_s',
      },
    );
  }
  writeRequest(OPERATOR_REQUEST_FILE, {
    format: 1,
    urls: [...urls],
    delta_only: options.deltaOnly === true,
    reboot: options.reboot === true,
  });
  io.out('the updater service was asked; follow it with: bulkhead update status\n');
}

function requestOf(
  config: Config,
  locations: readonly string[],
  options: InstallCommandOptions,
  patience_ms: number,
): UpdateRequest {
  const { window, bandwidth_limit_kib_s, data_cap_mib } = config.update;
  const max_bytes = options.maxFetch
    ? parseSize(options.maxFetch, '--max-fetch')
    : (data_cap_mib ?? 0) * 1024 * 1024;
  const limit = options.limitRate
    ? parseSize(options.limitRate, '--limit-rate')
    : (bandwidth_limit_kib_s ?? 0) * 1024;
  return {
    locations,
    allowed: {
      anyHardware: options.anyHardware === true || config.install.hardware === 'any',
      downgrade: options.allowDowngrade === true,
      rejected: options.retryRejected === true,
    },
    ...(options.deltaOnly ? { methods: ['delta', 'blocks'] } : {}),
    reboot: rebootWish(options.reboot === true, window !== null),
    // Absent where nothing was said: no number stands for "no limit".
    limits: { ...(max_bytes > 0 ? { max_bytes } : {}), ...(limit > 0 ? { limit_bytes_per_s: limit } : {}) },
    fetch: { retry_for_ms: patience_ms, ...(options.ca ? { ca_pem: readFileSync(options.ca, 'utf8') } : {}) },
  };
}

function rebootWish(wanted: boolean, hasWindow: boolean): RebootWish {
  if (!wanted) return 'no';
  return hasWindow ? 'window' : 'now';
}

async function followUpdate(
  tools: UpdateTools,
  io: CommandIo,
  request: UpdateRequest,
  asJson: boolean,
): Promise<InstallResult> {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  const terminal = process.stderr.isTTY === true;
  let said_ms = 0;
  let said = '';
  const show = ({ message, fetched_bytes, phase }: UpdateProgress) => {
    if (asJson) return;
    const line = `${phase}: ${message} (${(fetched_bytes / 1024 / 1024).toFixed(1)} MiB fetched)`;
    const now_ms = Date.now();
    if (terminal) io.err(`\r\u001b[K${line}`);
    else if (now_ms - said_ms >= LINE_INTERVAL_MS && line !== said) {
      said_ms = now_ms;
      said = line;
      io.err(`${line}\n`);
    }
  };
  try {
    return await runUpdate(tools, request, {
      onProgress: show,
      onEvent: (event) => {
        if (asJson) io.out(`${JSON.stringify(event)}\n`);
        else if (event.event === 'method-failed')
          io.err(`${terminal ? '\n' : ''}${event.message}; trying another way\n`);
      },
      signal: stop.signal,
    });
  } finally {
    if (terminal && !asJson) io.err('\n');
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

function readyText({ version, slot, pending }: InstallResult): string {
  const when = {
    no: 'it is tried on the next boot',
    now: 'rebooting now',
    window: 'it is tried in the next maintenance window',
  }[pending.reboot];
  return `${version} is in slot ${slot}; ${when}`;
}
