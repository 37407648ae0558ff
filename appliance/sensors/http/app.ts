import { type AnyElysia, Elysia } from 'elysia';
import { describeError } from '../../../base/errors.ts';
import { createRateLimit, TooMany } from '../../../base/rate-limit.ts';
import { addressKey } from '../admission/address-guard.ts';
import { PROGRAM_PATHS, programRoutes } from '../programs/program-routes.ts';
import type { Sensor } from '../registry/sensor.ts';
import { createAuthentication, type Sender } from './authenticate.ts';
import { createSensorKeys } from './keys.ts';
import {
  ADDRESS_BURST,
  ADDRESS_REFILL_PER_S,
  BODY_MAX_BYTES,
  FAILURE_BURST,
  FAILURE_REFILL_PER_S,
  KEY_BURST,
  KEY_REFILL_PER_S,
  RATES_REMEMBERED_MAX,
} from './limits.ts';
import { describeApi } from './openapi.ts';
import type { SensorApiParts } from './ports.ts';
import { asProblem, bodyTooLarge, refuse, requestInvalid, routeUnknown } from './problem.ts';
import { sensorRoutes } from './routes.ts';
import { scriptRoutes } from './scripts.ts';
import { signAnswer } from './sign-answer.ts';

export interface SensorApi {
  /** Answers any request; never rejects. @param address where it came from */
  handle(request: Request, address: string): Promise<Response>;
}

/** What nobody has to be known for. */
const OPEN_PATHS = [
  '/health',
  '/openapi.json',
  '/sensor/register',
  '/sensor/install.sh',
  '/sensor/uninstall.sh',
];

/** For an address that came without a host (HTTP/1.0). */
const BASE = 'http://appliance.local';

interface Known {
  address: string;
  body: string;
  sensor: Sensor | null;
  sender: Sender | null;
}

/** Everything that is answered on the port of the sensors. Opens none; see serve.ts. */
export function createSensorApi(parts: SensorApiParts): SensorApi {
  const { now_ms, store, registry, onFault } = parts;
  const keys = createSensorKeys(store);
  const authenticate = createAuthentication({ keys, find: registry.find, now_ms });
  const rate = (burst: number, refill_per_s: number) =>
    createRateLimit({ burst, refill_per_s, remembered_max: RATES_REMEMBERED_MAX }, now_ms);
  const { per_sensor_per_s = KEY_REFILL_PER_S, per_address_per_s = ADDRESS_REFILL_PER_S } =
    parts.limits ?? {};
  const ofKeys = rate(Math.max(KEY_BURST, per_sensor_per_s), per_sensor_per_s);
  const ofAddresses = rate(Math.max(ADDRESS_BURST, per_address_per_s), per_address_per_s);
  const ofFailures = rate(FAILURE_BURST, FAILURE_REFILL_PER_S);
  const known = new WeakMap<Request, Known>();
  const addressOf = (request: Request) => known.get(request)?.address ?? 'unknown';

  const routes = new Elysia({ name: 'sensors' })
    .onError({ as: 'global' }, ({ error, code }) => {
      const problem = asProblem(inOurWords(error, code));
      if (problem.code === 'SENSOR_INTERNAL') onFault(describeError(problem));
      return refuse(problem, now_ms());
    })
    // The body has been read already, for its signature.
    .onParse({ as: 'global' }, ({ request }) => parseJson(known.get(request)?.body ?? ''))
    .use(
      sensorRoutes({
        ...parts,
        keys,
        senderOf(request) {
          const sensor = known.get(request)?.sensor;
          if (!sensor) throw new Error('this route is not among those that ask who sends');
          return sensor;
        },
        addressOf,
      }),
    )
    .use(scriptRoutes())
    .use(programRoutes({ programs: parts.programs, addressOf, now_ms }));
  const description = describeApi(routes);
  const app: AnyElysia = routes.get('/openapi.json', () => description);

  /** @throws BulkheadError of whoever may not be answered */
  const admit = async (request: Request, address: string): Promise<Known> => {
    limit(ofAddresses.take(addressKey(address)), 'too many requests of this address');
    limit(ofFailures.wait(addressKey(address)), 'too many requests of this address that were refused');
    const { pathname, search } = new URL(request.url, BASE);
    const body = await readBody(request);
    if (OPEN_PATHS.includes(pathname) || pathname.startsWith(PROGRAM_PATHS)) {
      return { address, body, sensor: null, sender: null };
    }
    try {
      const authorization = request.headers.get('authorization');
      const sender = authenticate({ method: request.method, path: pathname + search, authorization, body });
      const { sensor } = sender;
      limit(ofKeys.take(sensor.id), 'too many requests of this sensor');
      // Before what it brings is looked at: whoever is told of that asks whether the sensor can be reached.
      registry.heard(sensor.id, null);
      return { address, body, sensor, sender };
    } catch (error) {
      if (!(error instanceof TooMany)) ofFailures.take(addressKey(address));
      throw error;
    }
  };
  return {
    async handle(request, address) {
      let response: Response;
      try {
        known.set(request, await admit(request, address));
        response = await app.handle(request);
        const sender = known.get(request)?.sender;
        if (sender) response = await signAnswer(response, sender, keys);
        // What an open address refuses is a try to get in.
        if (response.status >= 400 && known.get(request)?.sensor === null)
          ofFailures.take(addressKey(address));
      } catch (error) {
        const problem = asProblem(error);
        if (problem.code === 'SENSOR_INTERNAL') onFault(describeError(problem));
        response = refuse(problem, now_ms());
      }
      response.headers.set('x-content-type-options', 'nosniff');
      response.headers.set('cache-control', 'no-store');
      return response;
    },
  };
}

/** @throws TooMany */
function limit(wait_s: number, what: string): void {
  if (wait_s > 0) throw new TooMany(what, wait_s);
}

/** No further than it may go, whatever length was announced. */
async function readBody(request: Request): Promise<string> {
  if (request.body === null) return '';
  const length = request.headers.get('content-length');
  if (length !== null && Number(length) > BODY_MAX_BYTES) throw bodyTooLarge(BODY_MAX_BYTES);
  if (length !== null) return await request.text();
  const parts: Uint8Array[] = [];
  let size_bytes = 0;
  for await (const part of request.body) {
    size_bytes += part.length;
    if (size_bytes > BODY_MAX_BYTES) throw bodyTooLarge(BODY_MAX_BYTES);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw requestInvalid('the body is no JSON', cause);
  }
}

/** What Elysia found wrong by itself. */
function inOurWords(error: unknown, code: unknown): unknown {
  if (code === 'NOT_FOUND') return routeUnknown();
  if (code === 'PARSE') return requestInvalid('the body is no JSON', error);
  if (code !== 'VALIDATION') return error;
  const { all } = error as { all?: readonly { path?: string; message?: string }[] };
  // Where and why; never the value.
  return requestInvalid(`${all?.[0]?.path || '/'}: ${all?.[0]?.message ?? 'invalid'}`, error);
}
