import { Server, type ServerDuplexStream } from '@grpc/grpc-js';
import { BulkheadError, describeError } from '../../../base/errors.ts';
import {
  type DriftAck,
  type DriftEvent,
  ComplianceAgentService as Service,
} from '../../../protocol/sensors/generated/compliance.ts';
import type { EvidenceLog } from '../../evidence/entry.ts';
import type { Findings } from '../../findings/findings.ts';
import type { SensorAdmission } from '../admission/admission.ts';
import type { SensorCommands } from '../commands/commands.ts';
import type { Authority, ServerNames } from '../pki/authority.ts';
import { keepServerCertificate, machineNames } from '../pki/server-certificate.ts';
import type { SensorRegistry } from '../registry/registry.ts';
import type { Sensor } from '../registry/sensor.ts';
import { type Call, callerOf, callerRefusal } from './caller.ts';
import { OptionalClientCertificates } from './credentials.ts';
import { DriftStream } from './drift-stream.ts';
import { createGate } from './gate.ts';
import { createHealth } from './health.ts';
import {
  CONNECTION_IDLE_MS,
  KEEPALIVE_MS,
  KEEPALIVE_TIMEOUT_MS,
  MESSAGE_MAX_BYTES,
  SENSOR_EVENTS_BURST,
  SENSOR_EVENTS_PER_S,
  SENSOR_GRPC_PORT,
  STOP_MS,
  STREAMS_MAX,
} from './limits.ts';
import { type ConnectionLimits, listen } from './listener.ts';
import { Meters } from './meter.ts';
import { type Decoded, tolerant, unary } from './methods.ts';
import { readHealing, readHeartbeat, readRmm } from './read.ts';
import { createReflection } from './reflection.ts';
import { createRegister } from './register.ts';
import { type SensorSettings, settingsDigest, settingsFor } from './settings.ts';
import { statusOf } from './status.ts';
import { commandToWire } from './wire.ts';

/** A newer program for a sensor. */
export interface SensorOffer {
  version: string;
  url: string;
  /** Lower-case hex. */
  sha256: string;
}

export interface SensorGrpcParts {
  authority: Authority;
  registry: SensorRegistry;
  admission: SensorAdmission;
  commands: SensorCommands;
  findings: Pick<Findings, 'record'>;
  evidence: Pick<EvidenceLog, 'append'>;
  now: () => Date;
  /** Told what went wrong where nobody waits for an answer. */
  warn: (message: string) => void;
  /** Default: by what system it runs on. */
  settings?: (sensor: Sensor) => SensorSettings;
  /** Default: there is none. @param reached_at address of this machine that the sensor has come to; null: it is gone already */
  offer?: (sensor: Sensor, reached_at: string | null) => SensorOffer | null;
  /** Whether what sensors bring can be stored. */
  serving?: () => boolean;
  names?: () => ServerNames;
  port?: number;
  host?: string;
  limits?: ConnectionLimits & { drift_idle_ms?: number; events_per_s?: number };
}

export interface SensorGrpc {
  port: number;
  /** Drift streams that are open, and connections. */
  load(): { streams: number; connections: number };
  /** Looks whether the certificate of the service has to be another one. */
  lookAtNames(): Promise<void>;
  stop(): Promise<void>;
}

const SERVICE_NAME = 'compliance.ComplianceAgent';

/**
 * Serves sensors by gRPC.
 *
 * @throws BulkheadError SENSOR_PORT
 */
export async function serveSensorGrpc(parts: SensorGrpcParts): Promise<SensorGrpc> {
  const { authority, registry, commands, findings, warn, settings = (sensor) => settingsFor(sensor) } = parts;
  const now_ms = () => parts.now().getTime();
  const onFault = (error: unknown) => warn(`a call of a sensor failed: ${describeError(error)}`);
  const streams = new Map<DriftStream, string>();
  const told = new Map<string, string>();
  let stopping = false;

  /** @throws BulkheadError where the caller may not call, which the gate has looked at before; sensors are revoked in between */
  const sensorOf = (call: Call): Sensor => {
    const caller = callerOf(call, registry);
    const refused = callerRefusal(caller, false, now_ms());
    if (refused !== null || caller.known === null)
      throw refused ?? new BulkheadError('SENSOR_UNAUTHENTICATED', 'this call needs a client certificate');
    return caller.known.sensor;
  };
  const onTold = (sensor: Sensor) => told.set(sensor.id, settingsDigest(sensor, settings(sensor)));
  const register = createRegister({ ...parts, settings, onTold, now_ms });
  const { events_per_s = SENSOR_EVENTS_PER_S, drift_idle_ms } = parts.limits ?? {};
  const meters = new Meters({ per_s: events_per_s, burst: Math.max(SENSOR_EVENTS_BURST, events_per_s) });
  const drift = { findings, commands, registry, meters, now_ms, onFault };
  const idle = drift_idle_ms === undefined ? {} : { idle_ms: drift_idle_ms };

  const handlers = {
    register: unary(
      (message: Parameters<typeof register>[0], call) =>
        register(message, call.metadata, callerOf(call, registry)),
      onFault,
    ),
    reportDrift(call: ServerDuplexStream<Decoded<DriftEvent>, DriftAck>) {
      try {
        const { id } = sensorOf(call);
        const stream = new DriftStream(call, id, { ...drift, ...idle });
        streams.set(stream, id);
        void stream.run().finally(() => streams.delete(stream));
      } catch (error) {
        call.emit('error', statusOf(error, onFault));
      }
    },
    reportHealing: unary(async (message: Parameters<typeof readHealing>[0], call) => {
      const sensor = sensorOf(call);
      const { event_id } = await commands.result(readHealing(message, sensor));
      registry.heard(sensor.id, null);
      return { event_id, received: true };
    }, onFault),
    heartbeat: unary(async (message: Parameters<typeof readHeartbeat>[0], call) => {
      const sensor = sensorOf(call);
      registry.heard(sensor.id, readHeartbeat(message, sensor));
      const reached_at = listener.reachedAt(call.getPeer());
      const offer = parts.offer?.(registry.find(sensor.id) ?? sensor, reached_at) ?? null;
      return {
        acknowledged: true,
        config_changed: told.get(sensor.id) !== settingsDigest(sensor, settings(sensor)),
        pending_commands: commands.pending(sensor.id).map(commandToWire),
        update_available: offer !== null,
        update_version: offer?.version ?? '',
        update_url: offer?.url ?? '',
        update_sha256: offer?.sha256 ?? '',
      };
    }, onFault),
    reportRmmStatus: unary(async (message: Parameters<typeof readRmm>[0], call) => {
      const sensor = sensorOf(call);
      await findings.record([readRmm(message, sensor)]);
      registry.heard(sensor.id, null);
      return { received: true };
    }, onFault),
  };

  const gate = createGate({
    ...{ registry, now_ms, onFault, register_path: Service.register.path },
    onSensor: (peer, sensor) => listener.belongs(peer, sensor),
  });
  const server = new Server({
    interceptors: [gate],
    'grpc.max_receive_message_length': MESSAGE_MAX_BYTES,
    'grpc.max_send_message_length': MESSAGE_MAX_BYTES,
    'grpc.max_concurrent_streams': STREAMS_MAX,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
    'grpc.max_connection_idle_ms': CONNECTION_IDLE_MS,
    // Its own bookkeeping of every call, which nobody asks for here.
    'grpc.enable_channelz': 0,
  });
  const health = createHealth({
    services: [SERVICE_NAME],
    serving: () => !stopping && (parts.serving?.() ?? true),
    onFault,
  });
  const reflection = createReflection(onFault);
  server.addService(
    {
      register: tolerant(Service.register),
      reportDrift: tolerant(Service.reportDrift),
      reportHealing: tolerant(Service.reportHealing),
      heartbeat: tolerant(Service.heartbeat),
      reportRmmStatus: tolerant(Service.reportRmmStatus),
    },
    handlers,
  );
  server.addService(health.definition, health.handlers);
  server.addService(reflection.definition, reflection.handlers);
  server.addService(reflection.older, reflection.handlers);

  const certificate = await keepServerCertificate({
    ...{ authority, now: parts.now, names: parts.names ?? machineNames },
    onChange: (identity) => credentials.swap(identity),
    onFault: (error) =>
      warn(`the certificate of the sensor service stays the old one: ${describeError(error)}`),
  });
  const credentials = new OptionalClientCertificates(authority.certificate_pem, certificate.current);
  const injector = server.createConnectionInjector(credentials);
  const listener = await listen({
    port: parts.port ?? SENSOR_GRPC_PORT,
    ...(parts.host === undefined ? {} : { host: parts.host }),
    ...(parts.limits === undefined ? {} : { limits: parts.limits }),
    onConnection: (socket) => injector.injectConnection(socket),
  });

  const endRevoked = registry.onRevoked(({ id, revoked_at }) => {
    told.delete(id);
    for (const [stream, sensor] of streams)
      if (sensor === id)
        stream.cut(new BulkheadError('SENSOR_REVOKED', `${id} was revoked at ${revoked_at}`));
  });

  return {
    port: listener.port,
    load: () => ({ streams: streams.size, connections: listener.connections() }),
    lookAtNames: () => certificate.look(),
    async stop() {
      stopping = true;
      endRevoked();
      certificate.stop();
      listener.close();
      const why = new BulkheadError('SENSOR_STOPPING', 'the service is being stopped', {
        hint: 'come again in a few seconds',
      });
      for (const stream of streams.keys()) stream.stop(why);
      const ended = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      await Promise.race([ended, Bun.sleep(STOP_MS)]);
      injector.destroy();
      server.forceShutdown();
      listener.end();
    },
  };
}
