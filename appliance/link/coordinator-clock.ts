/** The coordinator's time, as far as its answers have told it. The clock of this machine is left alone. */
export interface CoordinatorClock {
  /** Milliseconds since 1970: the coordinator's time once it has been heard, the own one before. */
  now_ms(): number;
  /**
   * An answer named the time. It was somewhere between the two moments; the middle is wrong by half of the way at most.
   *
   * @param sent_ms, received_ms by the steady clock
   */
  heard(server_time_ms: number, sent_ms: number, received_ms: number): void;
  /** How far the coordinator's clock is ahead of the own one, in milliseconds, now; null before it was heard. */
  offset_ms(): number | null;
}

/**
 * Counts from the last answer on with a clock that nobody sets: a wall clock that is put right in between would make the last
 * answer wrong.
 *
 * @param wall_ms milliseconds since 1970 @param steady_ms milliseconds that never jump
 */
export function createCoordinatorClock(wall_ms: () => number, steady_ms: () => number): CoordinatorClock {
  let known: { server_ms: number; at_ms: number } | null = null;
  const now_ms = () => (known === null ? wall_ms() : known.server_ms + (steady_ms() - known.at_ms));
  return {
    now_ms,
    heard(server_time_ms, sent_ms, received_ms) {
      known = { server_ms: server_time_ms, at_ms: (sent_ms + received_ms) / 2 };
    },
    offset_ms: () => (known === null ? null : now_ms() - wall_ms()),
  };
}
