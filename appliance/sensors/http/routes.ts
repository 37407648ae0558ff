import { Elysia } from 'elysia';
import { VERSION } from '../../../base/version.ts';
import type { Sensor } from '../registry/sensor.ts';
import type { SensorKeys } from './keys.ts';
import { CHECK_INTERVAL_S, HEARTBEAT_INTERVAL_S, WAITING_RETRY_S } from './limits.ts';
import type { SensorApiParts } from './ports.ts';
import { Problem } from './problem.ts';
import {
  commandResult,
  driftDetection,
  hostsWithoutSensor,
  resolvedDetection,
  statusOf,
} from './readings.ts';
import {
  Drift,
  DriftAnswer,
  EventAnswer,
  HealthAnswer,
  Heartbeat,
  HeartbeatAnswer,
  PollingAnswer,
  Registered,
  Registration,
  Resolved,
  ResolvedAnswer,
  SensorEvent,
  StatusAnswer,
  Waiting,
} from './schemas.ts';
import { heartbeatText } from './text-answer.ts';

export interface RouteParts extends SensorApiParts {
  keys: SensorKeys;
  /** Who sent a request; it has been proved. */
  senderOf(request: Request): Sensor;
  /** Where a request came from. */
  addressOf(request: Request): string;
}

const REFUSALS = {
  400: Problem,
  401: Problem,
  403: Problem,
  409: Problem,
  429: Problem,
  503: Problem,
  507: Problem,
};
const SENSOR = { tags: ['sensor'] };
const OPEN = { tags: ['open'], security: [] };

/** Every route of the API with its schema. */
export function sensorRoutes(parts: RouteParts) {
  const { findings, registry, commands, senderOf, now_ms } = parts;
  const waitsFor = (sensor: Sensor, check_type: string) =>
    commands.pending(sensor.id).some((command) => command.check_type === check_type);

  const drift = async (sensor: Sensor, body: Drift) => {
    const detection = driftDetection(sensor, body);
    const [receipt] = await findings.record([detection]);
    return { event_id: receipt?.event_id ?? '', healing_queued: waitsFor(sensor, detection.check_type) };
  };
  const resolved = async (sensor: Sensor, body: Resolved) => {
    const [receipt] = await findings.record([resolvedDetection(sensor, body)]);
    return receipt?.event_id ?? '';
  };
  const takeEvent = async (sensor: Sensor, body: SensorEvent) => {
    if (body.event === 'drift') return await drift(sensor, body);
    if (body.event === 'resolved') return { event_id: await resolved(sensor, body), healing_queued: false };
    const { event_id } = await commands.result(commandResult(sensor, body));
    return { event_id, healing_queued: false };
  };
  const heartbeat = (request: Request, body: Heartbeat) => {
    const sensor = senderOf(request);
    registry.heard(sensor.id, {
      ...{ mode: body.mode ?? null, drift_count: body.drift_count ?? null },
      agent_version: body.sensor_version ?? null,
    });
    const facts = {
      ...{
        mode: sensor.tier,
        server_time: Math.floor(now_ms() / 1000),
        next_heartbeat_in: HEARTBEAT_INTERVAL_S,
      },
      commands: commands.pending(sensor.id),
    };
    if (request.headers.get('accept') === 'text/plain')
      return new Response(heartbeatText(facts), { headers: { 'content-type': 'text/plain; charset=utf-8' } });
    const told = facts.commands.map(({ timeout_s, ...command }) => ({
      ...command,
      timeout_seconds: timeout_s,
    }));
    return { status: 'ok' as const, ...facts, commands: told };
  };
  const status = () => statusOf(registry.list(), now_ms());
  const polling = () => hostsWithoutSensor(registry.list(), parts.knownHosts(), now_ms());
  const register = async (request: Request, body: Registration) => {
    const { hostname, domain, os_version = '', kernel = '', sensor_version = '', mac_address } = body;
    const answer = await parts.admission.admit({
      ...{ way: 'http', hostname, domain: domain ?? null, mac_address: mac_address ?? null },
      ...{ os_version: [os_version, kernel].filter(Boolean).join(', '), agent_version: sensor_version },
      code: body.admission_code ?? null,
      claim: body.claim === undefined ? null : Buffer.from(body.claim, 'hex'),
      address: parts.addressOf(request),
    });
    if (answer.outcome === 'waiting') {
      const { fingerprint } = answer;
      return { waiting: { status: 'waiting', fingerprint, retry_after: WAITING_RETRY_S } as const };
    }
    const api_key = await parts.keys.make(answer.sensor.id, now_ms());
    const registered = { sensor_id: answer.sensor.id, api_key };
    return {
      registered: {
        ...registered,
        ...{ check_interval: CHECK_INTERVAL_S, heartbeat_interval: HEARTBEAT_INTERVAL_S },
      },
    };
  };

  return new Elysia({ name: 'sensor-api' })
    .get('/health', () => ({ status: healthOf(parts), version: VERSION }), {
      response: HealthAnswer,
      detail: { ...OPEN, summary: 'The service answers, and whether it can record' },
    })
    .post(
      '/sensor/register',
      async ({ request, body, status: answerWith }) => {
        const { waiting, registered } = await register(request, body);
        return waiting ? answerWith(202, waiting) : registered;
      },
      {
        body: Registration,
        response: { 200: Registered, 202: Waiting, ...REFUSALS },
        detail: { ...OPEN, summary: 'Be let in, by a one-time code or by approval' },
      },
    )
    .post('/api/sensor/heartbeat', ({ request, body }) => heartbeat(request, body), {
      body: Heartbeat,
      response: { 200: HeartbeatAnswer, ...REFUSALS },
      detail: { ...SENSOR, summary: 'Say that the sensor lives, and ask what is to be done' },
    })
    .post('/sensor/heartbeat', ({ request, body }) => heartbeat(request, body), {
      body: Heartbeat,
      response: { 200: HeartbeatAnswer, ...REFUSALS },
      detail: { ...SENSOR, summary: 'The same; with `Accept: text/plain` as lines of words' },
    })
    .post(
      '/api/sensor/drift',
      async ({ request, body }) => ({ received: true as const, ...(await drift(senderOf(request), body)) }),
      {
        body: Drift,
        response: { 200: DriftAnswer, ...REFUSALS },
        detail: { ...SENSOR, summary: 'Something is not as it should be; answered when it is on the disk' },
      },
    )
    .post(
      '/api/sensor/resolved',
      async ({ request, body }) => ({
        ...{ acknowledged: true as const, event_id: await resolved(senderOf(request), body) },
      }),
      {
        body: Resolved,
        response: { 200: ResolvedAnswer, ...REFUSALS },
        detail: { ...SENSOR, summary: 'It is as it should be again' },
      },
    )
    .post(
      '/sensor/event',
      async ({ request, body }) => ({
        ...{ received: true as const, ...(await takeEvent(senderOf(request), body)) },
      }),
      {
        body: SensorEvent,
        response: { 200: EventAnswer, ...REFUSALS },
        detail: { ...SENSOR, summary: 'A drift, its end, or what became of a command' },
      },
    )
    .get('/api/sensor/status', status, {
      response: { 200: StatusAnswer, ...REFUSALS },
      detail: { ...SENSOR, summary: 'All sensors' },
    })
    .get('/sensor/status', status, {
      response: { 200: StatusAnswer, ...REFUSALS },
      detail: { ...SENSOR, summary: 'The same' },
    })
    .get('/api/sensor/hosts/polling', polling, {
      response: { 200: PollingAnswer, ...REFUSALS },
      detail: { ...SENSOR, summary: 'Machines without a live sensor' },
    })
    .get('/sensor/hosts/polling', polling, {
      response: { 200: PollingAnswer, ...REFUSALS },
      detail: { ...SENSOR, summary: 'The same' },
    });
}

function healthOf({ store }: SensorApiParts): 'ok' | 'full' | 'failing' {
  const { refused } = store.state();
  if (refused === null) return 'ok';
  return refused.startsWith('SITE_STORE_FULL') ? 'full' : 'failing';
}
