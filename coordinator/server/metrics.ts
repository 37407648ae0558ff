import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { VERSION } from '../../base/version.ts';

export interface Metrics {
  registry: Registry;
  observeRequest(route: string, method: string, status: number, duration_s: number): void;
  /** A report that was refused, by the code of its error. */
  refused(code: string): void;
  reported(kind: string): void;
  batch(size: number, duration_s: number): void;
  orderEnded(type: string, state: string): void;
  signInFailed(): void;
  /** A worker has begun a build that waited so long. */
  jobBegan(wait_s: number): void;
  /** @param duration_s null: it was never begun */
  jobEnded(state: string, duration_s: number | null): void;
  /** Requests of appliances since this process began: taken, and refused by code. */
  reportTotals(): Promise<{ taken: number; refused: Map<string, number> }>;
}

const DURATION_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
/** From a script to an image with all its tests. */
const JOB_BUCKETS_S = [1, 10, 30, 60, 300, 900, 1800, 3600, 7200];
const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** Numbers about this process; those about the fleet are counted when they are asked for (fleet-metrics.ts). */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Counter({ name: `bulkhead_coordinator_${name}`, help, labelNames, registers });
  new Gauge({ name: 'bulkhead_coordinator_info', help: 'Version.', labelNames: ['version'], registers })
    .labels(VERSION)
    .set(1);
  new Gauge({
    ...{ name: 'bulkhead_coordinator_memory_bytes', help: 'Memory of this process.', registers },
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    ...{ name: 'bulkhead_coordinator_started_seconds', help: 'When this process began.', registers },
  }).set(Math.round(Date.now() / 1000 - process.uptime()));
  const requests = counter('http_requests_total', 'Requests answered.', ['method', 'route', 'status']);
  const duration = new Histogram({
    ...{
      name: 'bulkhead_coordinator_http_request_duration_seconds',
      help: 'Time until the answer was ready.',
    },
    ...{ labelNames: ['route'], buckets: DURATION_BUCKETS_S, registers },
  });
  const refusals = counter('reports_refused_total', 'Requests of appliances refused, by reason.', ['code']);
  const reports = counter('reports_total', 'Requests of appliances taken, by kind.', ['kind']);
  const batches = new Histogram({
    ...{ name: 'bulkhead_coordinator_heartbeat_batch_size', help: 'Heartbeats per transaction.' },
    ...{ buckets: BATCH_BUCKETS, registers },
  });
  const batchDuration = new Histogram({
    ...{
      name: 'bulkhead_coordinator_heartbeat_batch_duration_seconds',
      help: 'Time of one such transaction.',
    },
    ...{ buckets: DURATION_BUCKETS_S, registers },
  });
  const orders = counter('orders_ended_total', 'Orders that ended, by type and state.', ['type', 'state']);
  const jobs = counter('jobs_ended_total', 'Builds that ended, by state.', ['state']);
  const jobHistogram = (name: string, help: string) =>
    new Histogram({ name: `bulkhead_coordinator_${name}`, help, buckets: JOB_BUCKETS_S, registers });
  const jobWait = jobHistogram('job_wait_seconds', 'Time until a worker began a build.');
  const jobDuration = jobHistogram('job_duration_seconds', 'Time from then to its end.');
  const failures = counter('sign_in_failures_total', 'Sign-ins that failed.');
  return {
    registry,
    observeRequest(route, method, status, duration_s) {
      requests.inc({ method, route, status });
      duration.observe({ route }, duration_s);
    },
    refused: (code) => refusals.inc({ code }),
    reported: (kind) => reports.inc({ kind }),
    batch(size, duration_s) {
      batches.observe(size);
      batchDuration.observe(duration_s);
    },
    orderEnded: (type, state) => orders.inc({ type, state }),
    signInFailed: () => failures.inc(),
    jobBegan: (wait_s) => jobWait.observe(wait_s),
    jobEnded(state, duration_s) {
      jobs.inc({ state });
      if (duration_s !== null) jobDuration.observe(duration_s);
    },
    async reportTotals() {
      const taken = (await reports.get()).values.reduce((sum, { value }) => sum + value, 0);
      const refused = (await refusals.get()).values.map(({ labels, value }) => [String(labels.code), value]);
      return { taken, refused: new Map(refused as [string, number][]) };
    },
  };
}
