import { join } from 'node:path';
import { figuresOf, measureLoad } from '../coordinator/figures.ts';
import { type LoadResult, quantile } from '../coordinator/load.ts';
import { round } from '../statistics.ts';
import {
  callLoad,
  connectSensors,
  type GrpcSensor,
  healTimes,
  nextEvent,
  streamLoad,
} from './grpc-sensors.ts';
import { httpEvents } from './http-sensors.ts';
import { type Effort, SENDERS, WINDOW } from './limits.ts';
import type { HealFigures, MemoryFigures, WayFigures } from './results.ts';
import { type BenchService, startService } from './service.ts';
import { HEALED_CHECK } from './service-process.ts';

/** Every way in, at the service as it is and at one with nothing behind it. */
export async function measureWays(
  folder: string,
  { load_ms }: Effort,
  say: (text: string) => void,
): Promise<WayFigures[]> {
  const loads: Record<WayFigures['way'], (service: BenchService) => Promise<WayFigures['whole']>> = {
    'gRPC, one stream': (service) => onGrpc(service, (sensors) => streamLoad(sensors, WINDOW, load_ms)),
    'gRPC, a call for each event': (service) => onGrpc(service, (sensors) => callLoad(sensors, load_ms)),
    'HTTP, by key': (service) => onHttp(service, 'key', load_ms),
    'HTTP, signed': (service) => onHttp(service, 'signature', load_ms),
  };
  const figures: WayFigures[] = [];
  for (const [way, load] of Object.entries(loads)) {
    const run = async (empty: boolean) => {
      const service = await startService(join(folder, 'service'), { sensors: SENDERS, empty });
      try {
        return await load(service);
      } finally {
        await service.stop();
      }
    };
    say(way);
    figures.push({ way: way as WayFigures['way'], whole: await run(false), empty: await run(true) });
  }
  return figures;
}

async function onGrpc(
  { server, place }: BenchService,
  load: (sensors: GrpcSensor[]) => Promise<LoadResult>,
): Promise<WayFigures['whole']> {
  const sensors = connectSensors(place, SENDERS);
  // The first load makes the connections, and is where code gets compiled: neither is what is measured.
  await load(sensors);
  const before_s = server.processor_s();
  try {
    return figuresOf(await load(sensors), server.processor_s() - before_s);
  } finally {
    for (const { client } of sensors) client.close();
  }
}

async function onHttp({ server, place }: BenchService, how: 'key' | 'signature', load_ms: number) {
  const next = httpEvents(place, how);
  await measureLoad(server, SENDERS, next, load_ms);
  return measureLoad(server, SENDERS, next, load_ms);
}

/** What the service takes with nobody and with many connected, each with a stream that has brought an event. */
export async function measureMemory(folder: string, { connected }: Effort): Promise<MemoryFigures> {
  const service = await startService(join(folder, 'memory'), { sensors: connected });
  const { server, place } = service;
  const sensors = connectSensors(place, connected);
  try {
    // Everything is loaded, and has been used.
    await streamLoad(sensors.slice(0, 1), 1, SETTLE_MS);
    const before_bytes = server.memory_bytes();
    const streams = sensors.map(({ client }) => client.reportDrift());
    await Promise.all(
      streams.map(
        (stream, at) =>
          new Promise<void>((resolve, reject) => {
            stream.once('data', () => resolve());
            stream.once('error', reject);
            stream.write(nextEvent(sensors[at]?.id ?? '', 1_000_000));
          }),
      ),
    );
    await Bun.sleep(SETTLE_MS);
    const after_bytes = server.memory_bytes();
    for (const stream of streams) stream.end();
    const per_sensor_bytes = Math.round((after_bytes - before_bytes) / connected);
    return { sensors: connected, before_bytes, after_bytes, per_sensor_bytes };
  } finally {
    for (const { client } of sensors) client.close();
    await service.stop();
  }
}

/** Long enough that what was thrown away is collected. */
const SETTLE_MS = 3_000;

/** From a drift to the command for it, alone and on an idle service. */
export async function measureHealing(folder: string, { heal_samples }: Effort): Promise<HealFigures> {
  const service = await startService(join(folder, 'heal'), { sensors: 1 });
  const sensors = connectSensors(service.place, 1);
  const [sensor] = sensors;
  try {
    const times = sensor ? await healTimes(sensor, heal_samples, HEALED_CHECK) : new Float64Array();
    return {
      samples: times.length,
      median_ms: round(quantile(times, 0.5), 1),
      p99_ms: round(quantile(times, 0.99), 1),
    };
  } finally {
    for (const { client } of sensors) client.close();
    await service.stop();
  }
}
