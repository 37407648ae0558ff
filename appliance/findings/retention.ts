import type { Database } from 'bun:sqlite';
import { describeError } from '../../base/errors.ts';
import type { SiteStore } from '../site/store/store.ts';
import {
  CLOSED_FINDINGS_MAX,
  EVENT_AGE_MAX_S,
  EVENTS_SLACK_SHARE,
  PRUNE_INTERVAL_MS,
  PRUNE_MAX,
} from './limits.ts';

/** Keeps events within their size and age, and closed findings within their number. */
export interface Retention {
  /** So much has been recorded. */
  added(size_bytes: number): void;
  /** Something did not fit, whatever is counted here: some of the oldest go. */
  full(): void;
  stop(): void;
}

interface RetentionParts {
  store: SiteStore;
  now_ms: () => number;
  warn: (message: string) => void;
  max_bytes: number;
}

/**
 * The oldest events go first. One that an open finding began with stays, whatever its age: it is what the finding is about.
 */
export function keepWithin({ store, now_ms, warn, max_bytes }: RetentionParts): Retention {
  let kept_bytes = sizeOfAll(store.database);
  let pruning = false;
  let stopped = false;

  /** @param least_bytes down to which they go, whatever their age */
  const prune = async (least_bytes: number) => {
    if (pruning || stopped) return;
    pruning = true;
    try {
      for (;;) {
        const bounds = {
          over_bytes: kept_bytes - least_bytes,
          before_ms: now_ms() - EVENT_AGE_MAX_S * 1000,
        };
        const freed = await store.write((file) => {
          pruneFindings(file);
          return pruneEvents(file, bounds);
        });
        kept_bytes -= freed.size_bytes;
        // What came meanwhile may be too much again; what open findings began with cannot go.
        if (stopped || freed.size_bytes === 0 || (!freed.more && kept_bytes <= least_bytes)) break;
      }
    } catch (error) {
      if (!stopped)
        warn(`events that are over their time or size could not be removed: ${describeError(error)}`);
    } finally {
      pruning = false;
    }
  };
  const timer = setInterval(() => void prune(max_bytes), PRUNE_INTERVAL_MS);
  timer.unref();
  void prune(max_bytes);
  return {
    added(size_bytes) {
      kept_bytes += size_bytes;
      if (kept_bytes > max_bytes) void prune(max_bytes * (1 - EVENTS_SLACK_SHARE));
    },
    full: () => void prune(Math.min(kept_bytes, max_bytes) * (1 - EVENTS_SLACK_SHARE)),
    stop() {
      stopped = true;
      clearInterval(timer);
    },
  };
}

function sizeOfAll(database: Database): number {
  const row = database
    .query<{ bytes: number }, []>('select coalesce(sum(size_bytes), 0) as bytes from events')
    .get();
  return row?.bytes ?? 0;
}

/**
 * Removes as many of the oldest as are too much, at most PRUNE_MAX.
 *
 * @returns what they took, and whether there may be more
 */
function pruneEvents(file: Database, bounds: { over_bytes: number; before_ms: number }) {
  const oldest = file
    .query<{ seq: number; size_bytes: number; received_ms: number }, [number]>(
      `select seq, size_bytes, received_ms from events
       where not exists (select 1 from findings where opening_seq = events.seq and state = 'open') order by seq limit ?`,
    )
    .all(PRUNE_MAX);
  let size_bytes = 0;
  let count = 0;
  for (const event of oldest) {
    if (size_bytes >= bounds.over_bytes && event.received_ms >= bounds.before_ms) break;
    size_bytes += event.size_bytes;
    count += 1;
  }
  const last = oldest[count - 1];
  if (last)
    file
      .query(
        `delete from events where seq <= ?
         and not exists (select 1 from findings where opening_seq = events.seq and state = 'open')`,
      )
      .run(last.seq);
  return { size_bytes, more: count === PRUNE_MAX };
}

function pruneFindings(file: Database): void {
  file
    .query(
      `delete from findings where id in (select id from findings where state = 'closed' order by id desc limit ? offset ?)`,
    )
    .run(PRUNE_MAX, CLOSED_FINDINGS_MAX);
}
