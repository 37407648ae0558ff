import { CHECK_INTERVAL_S, FIRST_LOOK_S } from './limits.ts';

export interface ScheduleFacts {
  now_ms: number;
  started_ms: number;
  /** When it was last looked; null: not by this process. */
  seen_ms: number | null;
}

/** Whether it is time to look. A clock that was set back makes it time, too: nobody waits until it has caught up. */
export function isDue({ now_ms, started_ms, seen_ms }: ScheduleFacts): boolean {
  if (now_ms < (seen_ms ?? started_ms)) return true;
  return seen_ms === null
    ? now_ms - started_ms >= FIRST_LOOK_S * 1000
    : now_ms - seen_ms >= CHECK_INTERVAL_S * 1000;
}
