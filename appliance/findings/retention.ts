import type { Database } from 'bun:sqlite';
import { describeError } from '../../base/errors.ts';
import type { SiteStore } from '../site/store/store.ts';
import {
  CLOSED_FINDINGS_MAX,
  EVENT_AGE_MAX_S,
  EVENT_OVERHEAD_BYTES,
  EVENTS_SLACK_SHARE,
  PRUNE_INTERVAL_MS,
  PRUNE_MAX,
  STORE_BOUND_SHARE,
} from './limits.ts';

/** Keeps events within their size and age, and closed findings within their number. */
export interface Retention {
  /** So much has been recorded of a subject. */
  added(subject: string, size_bytes: number): void;
  /**
   * Something did not fit. Where the store is at its own bound, whatever is counted here, some of the oldest go. Where the disk under it has
   * no room, nothing goes: what was acknowledged would be given up for what its sensor keeps until there is room.
   */
  full(): void;
  stop(): void;
}

interface RetentionParts {
  /** Awaited before events up to this number are removed; where it rejects, they stay. */
  beforeRemoval: (last_seq: number) => Promise<void>;
  store: SiteStore;
  now_ms: () => number;
  warn: (message: string) => void;
  max_bytes: number;
}

/**
 * When they are too many, those who have most give their oldest: a sensor that sends without end pushes out what it sent itself, and nobody
 * else's. An event that an open finding began with stays, whatever its age: it is what the finding is about.
 */
export function keepWithin({ store, now_ms, warn, max_bytes, beforeRemoval }: RetentionParts): Retention {
  const kept = sizesOf(store.database);
  let kept_bytes = [...kept.values()].reduce((sum, size_bytes) => sum + size_bytes, 0);
  const count = (subject: string, size_bytes: number) => {
    kept.set(subject, (kept.get(subject) ?? 0) + size_bytes);
    kept_bytes += size_bytes;
  };
  let pruning = false;
  let stopped = false;

  /** @param least_bytes down to which they go, whatever their age */
  const prune = async (least_bytes: number) => {
    if (pruning || stopped) return;
    pruning = true;
    try {
      for (;;) {
        const shares = sharesOver(kept, kept_bytes - least_bytes);
        const before_ms = now_ms() - EVENT_AGE_MAX_S * 1000;
        const chosen = removableEvents(store.database, shares, before_ms);
        if (chosen.length > 0) await beforeRemoval(Math.max(...chosen.map(({ seq }) => seq)));
        const freed = await store.write((file) => {
          pruneFindings(file);
          return removeEvents(file, chosen);
        });
        for (const { subject, size_bytes } of freed) count(subject, -size_bytes);
        // What came meanwhile may be too much again; what open findings began with cannot go.
        if (stopped || freed.length === 0 || (freed.length < PRUNE_MAX && kept_bytes <= least_bytes)) break;
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
    added(subject, size_bytes) {
      count(subject, size_bytes);
      if (kept_bytes > max_bytes) void prune(max_bytes * (1 - EVENTS_SLACK_SHARE));
    },
    full() {
      const { used_bytes, max_bytes: bound_bytes } = store.state();
      if (used_bytes >= bound_bytes * (1 - STORE_BOUND_SHARE))
        void prune(Math.min(kept_bytes, max_bytes) * (1 - EVENTS_SLACK_SHARE));
    },
    stop() {
      stopped = true;
      clearInterval(timer);
    },
  };
}

function sizesOf(database: Database): Map<string, number> {
  const rows = database
    .query<{ subject: string; bytes: number }, []>(
      'select subject, sum(size_bytes) as bytes from events group by subject',
    )
    .all();
  return new Map(rows.map(({ subject, bytes }) => [subject, bytes]));
}

/** What each gives so that together they have so much less: those who have most come down to one level. Pure. */
function sharesOver(kept: ReadonlyMap<string, number>, over_bytes: number): Event[] {
  if (over_bytes <= 0) return [];
  const most = [...kept].sort(([, a], [, b]) => b - a);
  let [sum_bytes, count, level_bytes] = [0, 0, 0];
  for (const [, size_bytes] of most) {
    sum_bytes += size_bytes;
    count += 1;
    level_bytes = Math.max(0, (sum_bytes - over_bytes) / count);
    if (level_bytes >= (most[count]?.[1] ?? 0)) break;
  }
  return most.slice(0, count).map(([subject, bytes]) => ({ subject, size_bytes: bytes - level_bytes }));
}

/** Of events: whose they are, and what they take. */
interface Event {
  subject: string;
  size_bytes: number;
}

interface StoredEvent extends Event {
  seq: number;
}

const REMOVABLE = `not exists (select 1 from findings where opening_seq = events.seq and state = 'open')`;

/** The shares, and what is too old; at most PRUNE_MAX. */
function removableEvents(file: Database, shares: readonly Event[], before_ms: number): StoredEvent[] {
  const own = file.query<StoredEvent, [string, number]>(
    `select seq, subject, size_bytes from events where subject = ? and ${REMOVABLE} order by seq limit ?`,
  );
  const gone: StoredEvent[] = [];
  for (const { subject, size_bytes } of shares) {
    let left_bytes = size_bytes;
    if (gone.length >= PRUNE_MAX) break;
    // Each takes at least its overhead, so there is no need to look at more.
    const at_most = Math.min(PRUNE_MAX - gone.length, Math.ceil(left_bytes / EVENT_OVERHEAD_BYTES));
    for (const event of own.all(subject, at_most)) {
      if (left_bytes <= 0) break;
      left_bytes -= event.size_bytes;
      gone.push(event);
    }
  }
  const old = file
    .query<StoredEvent & { received_ms: number }, [number]>(
      `select seq, subject, size_bytes, received_ms from events where ${REMOVABLE} order by seq limit ?`,
    )
    .all(PRUNE_MAX - gone.length);
  const known = new Set(gone.map(({ seq }) => seq));
  for (const event of old) {
    if (event.received_ms >= before_ms) break;
    if (!known.has(event.seq)) gone.push(event);
  }
  return gone;
}

/** @returns what was removed: all that still may be */
function removeEvents(file: Database, chosen: readonly StoredEvent[]): Event[] {
  const remove = file.query(`delete from events where seq = ? and ${REMOVABLE}`);
  return chosen.filter(({ seq }) => remove.run(seq).changes === 1);
}

function pruneFindings(file: Database): void {
  file
    .query(
      `delete from findings where id in (select id from findings where state = 'closed' order by id desc limit ? offset ?)`,
    )
    .run(PRUNE_MAX, CLOSED_FINDINGS_MAX);
}
