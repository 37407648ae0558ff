import { type ClientDuplexStream, credentials, Metadata } from '@grpc/grpc-js';
import {
  ComplianceAgentClient,
  type DriftAck,
  DriftEvent,
  HealingResult,
} from '../../../protocol/sensors/generated/compliance.ts';
import type { LoadResult } from '../coordinator/load.ts';
import { DRAIN_MS } from './limits.ts';
import type { ServicePlace } from './service-process.ts';

export type DriftStream = ClientDuplexStream<DriftEvent, DriftAck>;

/** A sensor with a connection of its own. */
export interface GrpcSensor {
  id: string;
  client: ComplianceAgentClient;
  /** Of its next event: none is sent twice. */
  next: number;
}

/** @param count of the sensors that were let in */
export function connectSensors({ grpc_port, ca, sensors }: ServicePlace, count: number): GrpcSensor[] {
  return sensors.slice(0, count).map(({ id, certificate, key }) => {
    const mutual = credentials.createSsl(Buffer.from(ca), Buffer.from(key), Buffer.from(certificate));
    const options = { 'grpc.use_local_subchannel_pool': 1 };
    return { id, client: new ComplianceAgentClient(`localhost:${grpc_port}`, mutual, options), next: 0 };
  });
}

const CHECKS = ['patches', 'ssh', 'firewall', 'disk', 'services', 'time', 'users'];

/** One that was never sent before; each check fails and passes in turn. */
export function nextEvent(id: string, index: number, check_type?: string): DriftEvent {
  return DriftEvent.fromPartial({
    ...{
      agent_id: id,
      hostname: `desk-${id.slice(-4)}`,
      passed: Math.floor(index / CHECKS.length) % 2 === 1,
    },
    check_type: check_type ?? CHECKS[index % CHECKS.length] ?? '',
    ...{ expected: 'running and enabled at boot', actual: 'stopped', hipaa_control: '164.312(a)(1)' },
    ...{ timestamp: Math.floor(Date.now() / 1000), metadata: { event_id: `${index}`, platform: 'linux' } },
  });
}

/** Every stream has so many events under way, for so long; then all that is under way is waited for. */
export async function streamLoad(
  sensors: readonly GrpcSensor[],
  window: number,
  load_ms: number,
): Promise<LoadResult> {
  const begun_ms = performance.now();
  const latencies: number[] = [];
  let refused = 0;
  const one = (sensor: GrpcSensor) =>
    new Promise<void>((resolve, reject) => {
      const stream = sensor.client.reportDrift();
      const sent_ms: number[] = [];
      const send = () => {
        sent_ms.push(performance.now());
        stream.write(nextEvent(sensor.id, sensor.next));
        sensor.next += 1;
      };
      stream.on('data', ({ received }: DriftAck) => {
        latencies.push(performance.now() - (sent_ms.shift() ?? 0));
        if (!received) refused += 1;
        if (performance.now() - begun_ms < load_ms) send();
        else if (sent_ms.length === 0) stream.end();
      });
      stream.on('error', reject);
      stream.on('end', resolve);
      for (let count = 0; count < window; count += 1) send();
    });
  await Promise.all(sensors.map(one));
  return loadResult(begun_ms, latencies, refused);
}

/** A call for every event, one after the other at each sensor. */
export async function callLoad(sensors: readonly GrpcSensor[], load_ms: number): Promise<LoadResult> {
  const begun_ms = performance.now();
  const latencies: number[] = [];
  let refused = 0;
  const one = async (sensor: GrpcSensor) => {
    while (performance.now() - begun_ms < load_ms) {
      const sent_ms = performance.now();
      const { received } = await ask(sensor.client, nextEvent(sensor.id, sensor.next));
      sensor.next += 1;
      if (!received) refused += 1;
      latencies.push(performance.now() - sent_ms);
    }
  };
  await Promise.all(sensors.map(one));
  return loadResult(begun_ms, latencies, refused);
}

/** From the event that is sent to the command that comes with its acknowledgement, milliseconds, sorted. */
export async function healTimes(
  sensor: GrpcSensor,
  samples: number,
  check_type: string,
): Promise<Float64Array> {
  const times: number[] = [];
  for (let index = 0; index < samples; index += 1) {
    const sent_ms = performance.now();
    const ack = await ask(sensor.client, { ...nextEvent(sensor.id, index, check_type), passed: false });
    if (ack.heal_command) times.push(performance.now() - sent_ms);
    await tellResult(sensor, check_type, ack.heal_command?.command_id ?? '');
    await ask(sensor.client, { ...nextEvent(sensor.id, samples + index, check_type), passed: true });
  }
  return Float64Array.from(times).sort();
}

function tellResult({ id, client }: GrpcSensor, check_type: string, command_id: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const result = HealingResult.fromPartial({
      ...{ agent_id: id, hostname: 'desk', check_type, command_id, success: true },
      timestamp: Math.floor(Date.now() / 1000),
    });
    client.reportHealing(result, (error) => (error ? reject(error) : resolve()));
  });
}

function ask(client: ComplianceAgentClient, event: DriftEvent): Promise<DriftAck> {
  return new Promise((resolve, reject) => {
    const stream = client.reportDrift(new Metadata(), { deadline: Date.now() + DRAIN_MS });
    let ack: DriftAck | undefined;
    stream.on('data', (received: DriftAck) => {
      ack = received;
    });
    stream.on('error', reject);
    stream.on('end', () =>
      ack ? resolve(ack) : reject(new Error('the call ended without an acknowledgement')),
    );
    stream.end(event);
  });
}

function loadResult(begun_ms: number, latencies: readonly number[], refused: number): LoadResult {
  const answered = latencies.length;
  return {
    ...{ answered, statuses: { '200': answered - refused }, seconds: (performance.now() - begun_ms) / 1000 },
    latencies_ms: Float64Array.from(latencies).sort(),
  };
}
