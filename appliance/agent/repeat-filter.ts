import { WARNING_REPEAT_MS, WARNINGS_REMEMBERED_MAX } from './limits.ts';

/** Lets each distinct message through once in WARNING_REPEAT_MS. */
export function createRepeatFilter(now_ms: () => number): (message: string) => boolean {
  const seen = new Map<string, number>();
  return (message) => {
    const last_ms = seen.get(message);
    if (last_ms !== undefined && now_ms() - last_ms < WARNING_REPEAT_MS) return false;
    // Deleted first, so that the order of the map is the order of logging and the first key is the oldest.
    seen.delete(message);
    seen.set(message, now_ms());
    const [oldest] = seen.keys();
    if (seen.size > WARNINGS_REMEMBERED_MAX && oldest !== undefined) seen.delete(oldest);
    return true;
  };
}
