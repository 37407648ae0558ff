import { readFileSync } from 'node:fs';
import type { CommandIo } from '../../base/command-line.ts';
import { BulkheadError } from '../../base/errors.ts';
import type { OrderedRelease } from '../../updater/install/ordered.ts';
import type { Config } from '../config/schema.ts';
import { requireInstalled } from '../slots/slots-tools.ts';
import { authoritiesFor } from './authorities.ts';
import { followUpdate, readyText } from './follow-update.ts';
import { COMMAND_PATIENCE_MS } from './limits.ts';
import { rebootRule, rebootWish, requireKnownLimits } from './reboot-rule.ts';
import { rebootNowIfWanted } from './reboot-when-due.ts';
import { type OrderedUpdate, writeRequest } from './request-file.ts';
import type { UpdateRequest } from './run-update.ts';
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

/** @throws BulkheadError of requestOf, of runUpdate but UPDATE_ALREADY_RUNNING, and UPDATE_REBOOT_FAILED */
export async function installCommand(
  tools: UpdateTools,
  io: CommandIo,
  locations: readonly string[],
  options: InstallCommandOptions,
): Promise<void> {
  const bundles = bundlesOrConfigured(locations, tools.config().config);
  if (options.detach) return await detach(tools, io, bundles, options);
  const request = requestOf(tools, bundles, options, COMMAND_PATIENCE_MS);
  try {
    const result = await followUpdate(tools, io, request, options.json === true);
    const { rebooting } = await rebootNowIfWanted(tools, result.pending.reboot);
    if (options.json) io.out(`${JSON.stringify({ event: 'result', ...result, rebooting })}\n`);
    else io.out(`${readyText(result)}\n`);
  } catch (error) {
    // Whoever asks every day whether there is something new has not failed on the days when there is not.
    if (!(error instanceof BulkheadError && error.code === 'UPDATE_ALREADY_RUNNING')) throw error;
    const { message } = error;
    io.out(options.json ? `${JSON.stringify({ event: 'already-running', message })}\n` : `${message}\n`);
  }
}

/** @throws BulkheadError UPDATE_NO_URL */
export function bundlesOrConfigured(locations: readonly string[], config: Config): readonly string[] {
  if (locations.length > 0) return locations;
  if (config.update.url !== null) return [config.update.url];
  throw new BulkheadError('UPDATE_NO_URL', 'no bundle was named and update.url is not configured', {
    hint: 'bulkhead update install FILE-OR-URL, or: sudo bulkhead config set update.url URL',
  });
}

/**
 * What is to be done, from what was typed or ordered and what is configured.
 *
 * @throws BulkheadError UPDATE_CONFIG_REFUSED, UPDATE_SIZE_INVALID
 */
export function requestOf(
  tools: UpdateTools,
  locations: readonly string[],
  options: InstallCommandOptions,
  patience_ms: number,
  ordered?: OrderedUpdate,
): UpdateRequest {
  const loaded = tools.config();
  requireKnownLimits(loaded, options.maxFetch !== undefined || options.limitRate !== undefined);
  const { update, install, coordinator } = loaded.config;
  const ca_pem = options.ca ? readFileSync(options.ca, 'utf8') : authoritiesFor(locations, coordinator);
  const max_bytes = options.maxFetch
    ? parseSize(options.maxFetch, '--max-fetch')
    : (update.data_cap_mib ?? 0) * 1024 * 1024;
  const limit = options.limitRate
    ? parseSize(options.limitRate, '--limit-rate')
    : (update.bandwidth_limit_kib_s ?? 0) * 1024;
  return {
    locations,
    allowed: {
      anyHardware: options.anyHardware === true || install.hardware === 'any',
      downgrade: options.allowDowngrade === true || ordered?.allow_downgrade === true,
      rejected: options.retryRejected === true || ordered?.retry_rejected === true,
    },
    ...(ordered ? { ordered: orderedRelease(ordered) } : {}),
    ...(options.deltaOnly ? { methods: ['delta', 'blocks'] } : {}),
    reboot: rebootWish(options.reboot === true, rebootRule(loaded), ordered?.at_once),
    // Absent where nothing was said: no number stands for "no limit".
    limits: { ...(max_bytes > 0 ? { max_bytes } : {}), ...(limit > 0 ? { limit_bytes_per_s: limit } : {}) },
    fetch: { retry_for_ms: patience_ms, ...(ca_pem === undefined ? {} : { ca_pem }) },
  };
}

function orderedRelease({ name, version, size_bytes, at_once }: OrderedUpdate): OrderedRelease {
  return { order: name, version, size_bytes, at_once };
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
  // The service would refuse it, and nobody would be looking.
  requireKnownLimits(tools.config(), false);
  writeRequest(tools.paths.operatorRequest, {
    format: 1,
    urls: [...urls],
    delta_only: options.deltaOnly === true,
    reboot: options.reboot === true,
  });
  io.out('the updater service was asked; follow it with: bulkhead update status\n');
}
