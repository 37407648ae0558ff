import { createHistogram } from 'node:perf_hooks';
import type { OrderResult } from '../../protocol/orders/result.ts';

/** What has happened so far, counted. */
export interface Tally {
  let_in: number;
  /** Have asked, and wait for somebody to let them in. */
  waiting: number;
  /** Revoked, refused, or never heard of again. */
  gone: number;
  heartbeats: number;
  /** Of the heartbeats: signed with a session key. */
  in_session: number;
  state_reports: number;
  site_reports: number;
  orders: Record<OrderResult['state'] | 'received', number>;
  /** By the code that the coordinator gave. */
  refusals: Record<string, number>;
  /** Requests that nobody answered. */
  unanswered: number;
  /** From request to answer, milliseconds, of the heartbeats. */
  heartbeat_ms: { median: number; p99: number; longest: number };
}

export interface TallyKeeper {
  readonly tally: Omit<Tally, 'heartbeat_ms'>;
  heartbeat(took_ms: number, inSession: boolean): void;
  refused(code: string): void;
  read(): Tally;
}

export function createTally(): TallyKeeper {
  // Microseconds, to a minute, three digits.
  const histogram = createHistogram({ lowest: 1, highest: 60_000_000, figures: 3 });
  const tally: TallyKeeper['tally'] = {
    ...{ let_in: 0, waiting: 0, gone: 0, heartbeats: 0, in_session: 0, state_reports: 0, site_reports: 0 },
    orders: { received: 0, accepted: 0, refused: 0, succeeded: 0, failed: 0 },
    ...{ refusals: {}, unanswered: 0 },
  };
  const ms = (us: number) => Math.round(us / 10) / 100;
  return {
    tally,
    heartbeat(took_ms, inSession) {
      tally.heartbeats += 1;
      if (inSession) tally.in_session += 1;
      histogram.record(Math.max(1, Math.round(took_ms * 1000)));
    },
    refused(code) {
      tally.refusals[code] = (tally.refusals[code] ?? 0) + 1;
    },
    read: () => ({
      ...tally,
      heartbeat_ms:
        tally.heartbeats === 0
          ? { median: 0, p99: 0, longest: 0 }
          : {
              median: ms(histogram.percentile(50)),
              p99: ms(histogram.percentile(99)),
              longest: ms(histogram.max),
            },
    }),
  };
}

/** One line for whoever watches. @param elapsed_ms since the start */
export function progressLine(tally: Tally, appliances: number, elapsed_ms: number): string {
  const { let_in, waiting, gone, heartbeats, orders, refusals, unanswered, heartbeat_ms } = tally;
  const refused = Object.values(refusals).reduce((sum, count) => sum + count, 0);
  const elapsed_s = elapsed_ms / 1000;
  const parts = [
    `${elapsed_s.toFixed(0)} s`,
    `${let_in} of ${appliances} in${waiting > 0 ? `, ${waiting} waiting` : ''}${gone > 0 ? `, ${gone} gone` : ''}`,
    `${heartbeats} heartbeats, ${(heartbeats / Math.max(1, elapsed_s)).toFixed(1)}/s, median ${heartbeat_ms.median} ms, p99 ${heartbeat_ms.p99} ms`,
    `${orders.received} orders: ${orders.succeeded} succeeded, ${orders.failed} failed`,
    `${refused} refused, ${unanswered} unanswered`,
  ];
  return parts.join(' · ');
}
