import { createHash, createHmac, randomBytes } from 'node:crypto';
import { type NextRequest, requestBytes } from '../coordinator/load.ts';
import { nextEvent } from './grpc-sensors.ts';
import type { ServicePlace } from './service-process.ts';

const PATH = '/sensor/event';

/** The same events over HTTP, sensor after sensor. @param how the key goes along, or a signature by it */
export function httpEvents({ http_port, sensors }: ServicePlace, how: 'key' | 'signature'): NextRequest {
  let sent = 0;
  return () => {
    const sensor = sensors[sent % sensors.length];
    if (!sensor) return undefined;
    const { hostname, check_type, passed, timestamp, expected, actual } = nextEvent(sensor.id, sent);
    const event_id = String(sent);
    sent += 1;
    const known = { hostname, drift_type: check_type };
    const drift = { severity: 'high', details: { expected, actual }, detected_at: timestamp, event_id };
    const body = JSON.stringify(
      passed
        ? { event: 'resolved', ...known, resolved_at: timestamp, resolved_by: event_id }
        : { event: 'drift', ...known, ...drift },
    );
    const authorization = how === 'key' ? `Bearer ${sensor.api_key}` : signed(sensor, body);
    return requestBytes({ port: http_port, path: PATH }, { authorization }, Buffer.from(body));
  };
}

function signed({ id, api_key }: { id: string; api_key: string }, body: string): string {
  const time = Math.floor(Date.now() / 1000);
  const nonce = randomBytes(16).toString('hex');
  const hash = createHash('sha256').update(body).digest('hex');
  const text = `POST\n${PATH}\n${time}\n${nonce}\n${hash}`;
  const signature = createHmac('sha256', api_key).update(text).digest('base64');
  return `Bulkhead-HMAC-SHA256 key=${id}, time=${time}, nonce=${nonce}, signature=${signature}`;
}
