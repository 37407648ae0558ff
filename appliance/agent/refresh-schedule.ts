import {
  REFRESH_IDLE_MS,
  REFRESH_WATCHED_MS,
  SLOW_REFRESH_IDLE_MS,
  SLOW_REFRESH_WATCHED_MS,
  WATCHED_FOR_MS,
} from './limits.ts';

/** When things were last done, in milliseconds of one clock; null: never. */
export interface RefreshTimes {
  now_ms: number;
  asked_ms: number | null;
  slow_ms: number | null;
}

export interface RefreshPlan {
  /** Somebody looks at the page or asks the interface. */
  watched: boolean;
  /** Milliseconds until the next look at the facts. */
  next_ms: number;
  /** The facts that cost a process are due. */
  slowDue: boolean;
}

/** How often to look: often while somebody looks, rarely otherwise. Pure. */
export function planRefresh({ now_ms, asked_ms, slow_ms }: RefreshTimes): RefreshPlan {
  const watched = asked_ms !== null && now_ms - asked_ms < WATCHED_FOR_MS;
  const slowAge_ms = slow_ms === null ? Number.POSITIVE_INFINITY : now_ms - slow_ms;
  return {
    watched,
    next_ms: watched ? REFRESH_WATCHED_MS : REFRESH_IDLE_MS,
    slowDue: slowAge_ms >= (watched ? SLOW_REFRESH_WATCHED_MS : SLOW_REFRESH_IDLE_MS),
  };
}
