import type { Status } from '../../status-page/status.ts';
import type { StatusSource } from '../../status-page/status-source.ts';
import { NO_SLOW_FACTS, type SlowFacts } from '../facts/collect-status.ts';
import { FACTS_FRESH_MS } from './limits.ts';
import { planRefresh } from './refresh-schedule.ts';

export interface StatusKeeperOptions {
  /** Looks at everything cheap, with the slow facts handed in. Must not throw. */
  assemble: (slow: SlowFacts) => Status;
  /** Asks for the slow facts. Must not reject. */
  collectSlow: () => Promise<SlowFacts>;
  /** Milliseconds that never go back. */
  now_ms: () => number;
}

export interface StatusKeeper extends StatusSource {
  start(): void;
  /** Look now: a fact file was replaced, the coordinator was probed. */
  poke(): void;
  stop(): void;
}

/**
 * Keeps the status: looks when somebody asks, when something says that it changed, and now and then by itself.
 * Everyone shares one look.
 */
export function createStatusKeeper(options: StatusKeeperOptions): StatusKeeper {
  const { now_ms } = options;
  const listeners = new Set<(status: Status) => void>();
  let slow = NO_SLOW_FACTS;
  let slow_ms: number | null = null;
  let askingSlow = false;
  let latest: { status: Status; at_ms: number; lasting: string } | null = null;
  let asked_ms: number | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;

  const plan = () => planRefresh({ now_ms: now_ms(), asked_ms, slow_ms });

  /** Looks, and tells the listeners what changed. While somebody looks, moving numbers are news as well. */
  const look = (): Status => {
    const status = options.assemble(slow);
    const lasting = lastingFacts(status);
    const isNews = latest === null || latest.lasting !== lasting || plan().watched;
    latest = { status, at_ms: now_ms(), lasting };
    if (isNews) for (const listener of listeners) listener(status);
    return status;
  };

  const schedule = () => {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(tick, plan().next_ms);
  };

  const tick = () => {
    void refreshSlow();
    look();
    schedule();
  };

  const refreshSlow = async () => {
    if (askingSlow || stopped || !plan().slowDue) return;
    askingSlow = true;
    slow = await options.collectSlow();
    slow_ms = now_ms();
    askingSlow = false;
    if (!stopped) look();
  };

  return {
    start: tick,
    async current() {
      const wasWatched = plan().watched;
      asked_ms = now_ms();
      void refreshSlow();
      // The next look was planned for the quiet time and may be half a minute away.
      if (!wasWatched) schedule();
      if (latest !== null && now_ms() - latest.at_ms < FACTS_FRESH_MS) return latest.status;
      return look();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    poke: () => {
      if (!stopped) look();
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** The facts without those that move by themselves: two statuses that differ only in these are the same news. */
export function lastingFacts(status: Status): string {
  const {
    uptime_s: _uptime,
    memory: _memory,
    load: _load,
    temperature_c: _temperature,
    dataDisk,
    ...system
  } = status.system;
  const { now: _now, offset_ms: _offset, ...time } = status.time;
  const services = status.services.map(({ memory_bytes: _bytes, ...service }) => service);
  return JSON.stringify({
    ...status,
    system: { ...system, readOnly: dataDisk.readOnly },
    time,
    services,
    update: lastingUpdate(status.update),
    coordinator: lastingCoordinator(status.coordinator),
  });
}

/** Contact, clock and queue move with every heartbeat; that the queue cannot be kept, or that something was given up, is news. */
function lastingCoordinator({ checkedAt: _checkedAt, link, ...way }: Status['coordinator']): object {
  if (link === null) return way;
  const { lastContactAt: _contact, clockOffset_ms: _offset, waiting, ...lasting } = link;
  return { ...way, link: { ...lasting, memoryOnly: waiting.memoryOnly, dropped: waiting.dropped } };
}

/** How far an update has come moves by itself; its step, its end and what was tried are news. */
function lastingUpdate(update: Status['update']): object {
  if (update.progress === null) return update;
  const { done_bytes: _done, fetched_bytes: _fetched, updatedAt: _updatedAt, ...progress } = update.progress;
  return { ...update, message: update.state === 'downloading' ? '' : update.message, progress };
}
