import { Database } from 'bun:sqlite';
import { BulkheadError } from '../../../base/errors.ts';
import type { DriftAck } from '../../../protocol/sensors/generated/compliance.ts';
import { quantile } from '../coordinator/load.ts';
import { median, round } from '../statistics.ts';
import { connectSensors, nextEvent } from './grpc-sensors.ts';
import { DRAIN_MS, type ProofEffort } from './limits.ts';
import { startService } from './service.ts';

/** What a load at a given pace has left behind. */
export interface ProofFigures extends ProofEffort {
  sent: number;
  acknowledged: number;
  /** Events that the store has ever taken. */
  stored: number;
  median_ms: number;
  p99_ms: number;
  /** Of the service, in the first and the last quarter of the time. */
  memory_first_bytes: number;
  memory_last_bytes: number;
  /** Processor time of the service by that of the clock: 1 is a whole core. */
  processor_share: number;
}

/** Paced in steps of this: short beside a commit. */
const STEP_MS = 20;
const SAMPLE_MS = 1_000;

/**
 * So many sensors, each with a connection and a stream, send so many events a second together. Nothing is slowed down when answers are
 * late: then they pile up, and that is seen.
 *
 * @throws BulkheadError BENCH_PROOF when a stream ends before its time, or answers do not come
 */
export async function proveLoad(folder: string, effort: ProofEffort): Promise<ProofFigures> {
  const { sensors, per_s, seconds } = effort;
  const service = await startService(folder, { sensors });
  const connected = connectSensors(service.place, sensors);
  const latencies: number[] = [];
  let acknowledged = 0;
  let broken: unknown = null;
  let ended = false;
  const streams = connected.map(({ id, client }) => {
    const stream = client.reportDrift();
    const sent_ms: number[] = [];
    stream.on('data', ({ received }: DriftAck) => {
      latencies.push(performance.now() - (sent_ms.shift() ?? 0));
      if (received) acknowledged += 1;
    });
    stream.on('error', (error) => {
      if (!ended) broken = error;
    });
    return { id, stream, sent_ms };
  });
  try {
    const memory: number[] = [];
    const sampler = setInterval(() => memory.push(service.server.memory_bytes()), SAMPLE_MS);
    const before_s = service.server.processor_s();
    const begun_ms = performance.now();
    const wanted = per_s * seconds;
    let sent = 0;
    while (sent < wanted && broken === null) {
      const due = Math.min(wanted, Math.floor(((performance.now() - begun_ms) / 1000) * per_s));
      for (; sent < due; sent += 1) {
        const one = streams[sent % streams.length];
        if (!one) break;
        one.sent_ms.push(performance.now());
        one.stream.write(nextEvent(one.id, Math.floor(sent / streams.length)));
      }
      await Bun.sleep(STEP_MS);
    }
    const late_ms = performance.now() + DRAIN_MS;
    while (latencies.length < sent && broken === null && performance.now() < late_ms)
      await Bun.sleep(STEP_MS);
    clearInterval(sampler);
    const took_s = (performance.now() - begun_ms) / 1000;
    const processor_share = round((service.server.processor_s() - before_s) / took_s, 2);
    if (broken !== null || latencies.length < sent)
      throw new BulkheadError('BENCH_PROOF', `${sent} events were sent and ${latencies.length} answered`, {
        cause: broken ?? undefined,
      });
    ended = true;
    for (const { stream } of streams) stream.end();
    for (const { client } of connected) client.close();
    await service.stop();
    const sorted = Float64Array.from(latencies).sort();
    const quarter = Math.max(1, Math.floor(memory.length / 4));
    return {
      ...{ ...effort, sent, acknowledged, stored: storedIn(service.file), processor_share },
      ...{ median_ms: round(quantile(sorted, 0.5), 1), p99_ms: round(quantile(sorted, 0.99), 1) },
      memory_first_bytes: median(memory.slice(0, quarter)),
      memory_last_bytes: median(memory.slice(-quarter)),
    };
  } finally {
    ended = true;
    for (const { client } of connected) client.close();
    await service.stop();
  }
}

function storedIn(file: string): number {
  const database = new Database(file, { readonly: true });
  try {
    const row = database
      .query<{ seq: number }, []>("select seq from sqlite_sequence where name = 'events'")
      .get();
    return row?.seq ?? 0;
  } finally {
    database.close();
  }
}
