import { SENSOR_TIMEOUT_S } from './limits.ts';
import type { Sensor } from './sensor.ts';

export type SensorPresence = 'live' | 'silent' | 'revoked';

/** Whether a sensor is there: the same for its API, for healing, for the page and for the coordinator. Pure. */
export function sensorPresence(
  { revoked_at, last_heard_at }: Pick<Sensor, 'revoked_at' | 'last_heard_at'>,
  now_ms: number,
): SensorPresence {
  if (revoked_at !== null) return 'revoked';
  if (last_heard_at === null) return 'silent';
  return now_ms - Date.parse(last_heard_at) <= SENSOR_TIMEOUT_S * 1000 ? 'live' : 'silent';
}
