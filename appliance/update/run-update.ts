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
import type { UpdateProgress } from '../../updater/state/records.ts';
import { exclusively } from '../slots/exclusively.ts';
import { type Installed, requireInstalled } from '../slots/slots-tools.ts';
import { concludeUnderLock } from './conclude.ts';
import { installTools } from './install-tools.ts';
import { ProgressPublisher } from './progress-publisher.ts';
import { ProgressReport } from './progress-report.ts';
import { failedEntry, recordFailure } from './record-failure.ts';
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
  /** What went wrong that the update does not depend on. */
  onWarning(message: string): void;
  signal: AbortSignal;
}

/** Codes of an update that was told to stop. */
export const CALLED_OFF: ReadonlySet<string> = new Set(['UPDATE_STOPPED', 'FETCH_ABORTED']);

/**
 * Installs a release on this appliance: one at a time, with progress for everyone and a line in the history when it
 * fails. What became of the update before is written down first. Needs root.
 *
 * @throws BulkheadError SLOTS_NEED_ROOT, UPDATE_RUNNING and everything of installRelease
 */
export async function runUpdate(
  tools: UpdateTools,
  request: UpdateRequest,
  watcher: UpdateWatcher,
): Promise<InstallResult> {
  return exclusively(tools.slots, 'update install', async (found) => {
    await concludeUnderLock(tools, found);
    // That may have changed the boot state and the list of releases that are not tried again.
    const installed = await requireInstalled(tools.slots, 'update install');
    const running = await readRunningRelease(tools, installed);
    return new Run(tools, request, watcher, running).install(installed);
  });
}

/** One installation and what is told about it. */
class Run {
  readonly #meter: TransferMeter;
  readonly #report: ProgressReport;
  readonly #publisher: ProgressPublisher;

  constructor(
    private readonly tools: UpdateTools,
    private readonly request: UpdateRequest,
    private readonly watcher: UpdateWatcher,
    private readonly running: RunningRelease,
  ) {
    this.#meter = new TransferMeter(request.limits);
    const fetched_bytes = () => this.#meter.transferred_bytes;
    const order = request.ordered?.order;
    this.#report = new ProgressReport(running.target.slot, tools.slots.now, fetched_bytes, order);
    this.#publisher = new ProgressPublisher(tools, watcher);
  }

  async install(installed: Installed): Promise<InstallResult> {
    const publisher = this.#publisher;
    publisher.publish(this.#report.current);
    const alive = setInterval(() => publisher.publishSometimes(this.#report.alive()), PROGRESS_ALIVE_MS);
    try {
      const result = await this.#installFrom(installed);
      publisher.publish(this.#report.ready(result));
      return result;
    } catch (error) {
      this.#tellFailure(error);
      throw error;
    } finally {
      clearInterval(alive);
    }
  }

  #installFrom(installed: Installed): Promise<InstallResult> {
    const { tools, request, watcher, running } = this;
    const place = releasePlace(request.locations, {
      ...request.fetch,
      meter: this.#meter,
      signal: watcher.signal,
      onRetry: ({ reason, delay_ms }: Retry) => this.#publisher.publish(this.#report.retry(reason, delay_ms)),
    });
    return installRelease(
      place,
      request,
      installTools(tools, installed, running, {
        transferred_bytes: () => this.#meter.transferred_bytes,
        fetch_max_bytes: request.limits.max_bytes,
        onEvent: (event) => {
          const progress = this.#report.take(event);
          if (event.event === 'progress') this.#publisher.publishSometimes(progress);
          else this.#publisher.publish(progress);
          watcher.onEvent(event);
        },
        signal: watcher.signal,
      }),
    );
  }

  /** Who stops an update, or asks for what runs already, has not seen one fail. */
  #tellFailure(error: unknown): void {
    const code = error instanceof BulkheadError ? error.code : 'INTERNAL';
    if (CALLED_OFF.has(code) || code === 'UPDATE_ALREADY_RUNNING') {
      this.#publisher.retract();
      return;
    }
    const reached = this.#report.current;
    this.#publisher.publish(this.#report.failed(code, describeError(error)));
    const order = this.request.ordered?.order;
    const entry = failedEntry(this.running, error, this.tools.slots.now(), reached, order);
    recordFailure(this.tools, entry, (message) => this.watcher.onWarning(message));
  }
}
