import { formatBytes, formatDuration } from '../../base/text.ts';
import type { Slot } from '../../partitions/slot.ts';
import type { InstallEvent, InstallResult } from '../../updater/install/install.ts';
import type { UpdateProgress } from '../../updater/state/records.ts';

/** Keeps what is known about a running update, from the events of the installer. Pure but for the clock that is handed in. */
export class ProgressReport {
  #progress: UpdateProgress;
  readonly #now: () => Date;
  readonly #transferred_bytes: () => number;

  constructor(slot: Slot, now: () => Date, transferred_bytes: () => number, order?: string) {
    const at = now().toISOString();
    this.#now = now;
    this.#transferred_bytes = transferred_bytes;
    this.#progress = {
      format: 1,
      state: 'downloading',
      phase: 'checking',
      version: null,
      slot,
      method: null,
      done_bytes: 0,
      total_bytes: null,
      fetched_bytes: 0,
      fetch_total_bytes: null,
      started_at: at,
      updated_at: at,
      message: 'looking at the release',
      code: null,
      ...(order === undefined ? {} : { order }),
    };
  }

  get current(): UpdateProgress {
    return this.#progress;
  }

  take(event: InstallEvent): UpdateProgress {
    if (event.event === 'opened') return this.#set({ version: event.version });
    if (event.event === 'chosen') {
      const { method, version, fetch_bytes } = event;
      return this.#set({
        method,
        version,
        fetch_total_bytes: fetch_bytes,
        message: `installing ${version} by ${WAY[method]}: ${formatBytes(fetch_bytes)} to fetch`,
      });
    }
    if (event.event === 'method-failed')
      return this.#set({ message: `${WAY[event.method]} did not work: ${event.message}` });
    const { phase, version, done_bytes, total_bytes } = event;
    const what = phase === 'transfer' ? 'writing' : 'reading back';
    return this.#set({
      phase,
      done_bytes,
      total_bytes,
      message: `${what} ${version}: ${Math.floor((100 * done_bytes) / total_bytes)} %`,
    });
  }

  retry(reason: string, delay_ms: number): UpdateProgress {
    return this.#set({ message: `${reason}; next try in ${formatDuration(Math.ceil(delay_ms / 1000))}` });
  }

  /** Nothing new, but it goes on. */
  alive(): UpdateProgress {
    return this.#set({});
  }

  ready({ version, slot }: InstallResult): UpdateProgress {
    return this.#set({
      state: 'ready',
      phase: 'done',
      message: `${version} is in slot ${slot} and is tried on the next boot`,
    });
  }

  failed(code: string, message: string): UpdateProgress {
    return this.#set({ state: 'failed', code, message });
  }

  #set(change: Partial<UpdateProgress>): UpdateProgress {
    this.#progress = {
      ...this.#progress,
      ...change,
      fetched_bytes: this.#transferred_bytes(),
      updated_at: this.#now().toISOString(),
    };
    return this.#progress;
  }
}

const WAY = { delta: 'delta', blocks: 'single blocks', full: 'the full bundle' } as const;
