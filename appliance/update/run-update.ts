import { BulkheadError, describeError } from '../../base/errors.ts';
import { TransferMeter } from '../../updater/fetch/meter.ts';
import type { FetchOptions, Retry } from '../../updater/fetch/options.ts';
import {
  type InstallEvent,
  type InstallResult,
  type InstallWishes,
  installRelease,
} from '../../updater/install/install.ts';
import { releasePlace } from '../../updater/install/release-place.ts';
import { PROGRESS_ALIVE_MS } from '../../updater/limits.ts';
import { appendHistory } from '../../updater/state/history.ts';
import { takeLock } from '../../updater/state/lock.ts';
import type { UpdateProgress } from '../../updater/state/records.ts';
import { requireInstalled } from '../slots/slots-tools.ts';
import { installTools } from './install-tools.ts';
import { ProgressReport } from './progress-report.ts';
import { type RunningRelease, readRunningRelease } from './running-release.ts';
import type { UpdateTools } from './update-tools.ts';

export interface UpdateRequest extends InstallWishes {
  /** One file, or URLs of the same bundle. */
  locations: readonly string[];
  /** Rate and volume, for everything this update fetches. */
  limits: Pick<FetchOptions, 'limit_bytes_per_s' | 'max_bytes'>;
  fetch: Pick<FetchOptions, 'ca_pem' | 'retry_for_ms'>;
}

export interface UpdateWatcher {
  /** Every change, at most a few a second. */
  onProgress(progress: UpdateProgress): void;
  onEvent(event: InstallEvent): void;
  signal: AbortSignal;
}

/** The progress file is on a tmpfs; readers look at it once a second. */
const PROGRESS_INTERVAL_MS = 500;

/**
 * Installs a release on this appliance: one at a time, with progress for everyone and a line in the history when it
 * fails. Needs root.
 *
 * @throws BulkheadError SLOTS_NEED_ROOT, UPDATE_RUNNING and everything of installRelease
 */
export async function runUpdate(
  tools: UpdateTools,
  request: UpdateRequest,
  watcher: UpdateWatcher,
): Promise<InstallResult> {
  const installed = await requireInstalled(tools.slots, 'update install');
  const release = takeLock(tools.paths.lock);
  const now = tools.slots.now;
  const meter = new TransferMeter(request.limits);
  let report: ProgressReport | undefined;
  let running: RunningRelease | undefined;
  let written_ms = 0;
  let alive: ReturnType<typeof setInterval> | undefined;
  const publish = (progress: UpdateProgress, always = false) => {
    const at_ms = now().getTime();
    if (!always && Math.abs(at_ms - written_ms) < PROGRESS_INTERVAL_MS) return;
    written_ms = at_ms;
    tools.progress.write(progress);
    watcher.onProgress(progress);
  };
  try {
    running = await readRunningRelease(tools, installed);
    const { target } = running;
    report = new ProgressReport(target.slot, now, () => meter.transferred_bytes);
    const reporter = report;
    publish(reporter.current, true);
    alive = setInterval(() => publish(reporter.alive()), PROGRESS_ALIVE_MS);
    const place = releasePlace(request.locations, {
      ...request.fetch,
      meter,
      signal: watcher.signal,
      onRetry: ({ reason, delay_ms }: Retry) => publish(reporter.retry(reason, delay_ms), true),
    });
    const result = await installRelease(
      place,
      request,
      installTools(tools, installed, running, {
        transferred_bytes: () => meter.transferred_bytes,
        fetch_max_bytes: request.limits.max_bytes,
        onEvent: (event) => {
          publish(reporter.take(event), event.event !== 'progress');
          watcher.onEvent(event);
        },
        signal: watcher.signal,
      }),
    );
    publish(reporter.ready(result), true);
    return result;
  } catch (error) {
    const code = error instanceof BulkheadError ? error.code : 'INTERNAL';
    if (report) publish(report.failed(code, describeError(error)), true);
    // An operator who stops it, or asks for what runs already, has not seen an update fail.
    if (running && code !== 'UPDATE_STOPPED' && code !== 'UPDATE_ALREADY_RUNNING')
      recordFailure(tools, running, report, error);
    throw error;
  } finally {
    clearInterval(alive);
    release();
  }
}

/** Failing updates that nobody notices are how fleets rot: the page, the CLI and the coordinator read this. */
function recordFailure(
  tools: UpdateTools,
  running: RunningRelease,
  report: ProgressReport | undefined,
  error: unknown,
): void {
  appendHistory(tools.paths.history, {
    at: tools.slots.now().toISOString(),
    outcome: 'failed',
    version: report?.current.version ?? null,
    from_version: running.manifest.version,
    slot: running.target.slot,
    root_hash: null,
    method: report?.current.method ?? null,
    fetched_bytes: report?.current.fetched_bytes ?? 0,
    reason: describeError(error),
    console_tail: [],
  });
}
