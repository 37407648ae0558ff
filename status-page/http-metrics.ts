import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { EventCounts } from './event-stream.ts';

/** Rate, errors and duration of the page itself; lives as long as the process. */
export interface HttpMetrics {
  registry: Registry;
  /** @param route pattern, not the address: labels must stay few */
  observe(route: string, method: string, status: number, duration_s: number): void;
}

/** 0.2 s is the promise of this page (p99), so it has a bucket of its own. */
const DURATION_BUCKETS_S = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 5];

export function createHttpMetrics(eventCounts: () => EventCounts): HttpMetrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: 'bulkhead_http_requests_total',
    help: 'Requests answered by the status page.',
    labelNames: ['method', 'route', 'status'],
    registers,
  });
  const duration = new Histogram({
    name: 'bulkhead_http_request_duration_seconds',
    help: 'Time until the answer was ready; of a live stream, until it was opened.',
    labelNames: ['route'],
    buckets: DURATION_BUCKETS_S,
    registers,
  });
  new Gauge({
    name: 'bulkhead_event_streams',
    help: 'Live streams open now.',
    registers,
    collect() {
      this.set(eventCounts().clients);
    },
  });
  // A counter of prom-client cannot be set, only raised: the difference to what was seen last is added.
  const rising = (name: string, help: string, read: () => number) => {
    let seen = 0;
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.inc(read() - seen);
        seen = read();
      },
    });
  };
  rising(
    'bulkhead_event_streams_dropped_total',
    'Live streams ended because the client did not keep up.',
    () => eventCounts().dropped,
  );
  rising(
    'bulkhead_event_streams_refused_total',
    'Live streams refused because all were in use.',
    () => eventCounts().refused,
  );
  return {
    registry,
    observe(route, method, status, duration_s) {
      requests.inc({ method: method === 'GET' || method === 'HEAD' ? method : 'other', route, status });
      duration.observe({ route }, duration_s);
    },
  };
}
