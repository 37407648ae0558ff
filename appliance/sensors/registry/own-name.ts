import type { Detection } from '../../findings/detection.ts';
import { METADATA_MAX, METADATA_MAX_ENTRIES } from '../../findings/limits.ts';
import type { Sensor } from './sensor.ts';

/** What a sensor called its machine, where that is the name of another sensor's. */
const SAID_HOSTNAME = 'said_hostname';

/**
 * What a sensor reports stands under its own name where it says that of another sensor that is in: findings and rates of a machine are its
 * own. It is not refused, for a machine may have been renamed to what an old one was called, and what it found counts. Pure.
 */
export function underOwnName(detection: Detection, sensors: readonly Sensor[]): Detection {
  const { subject, hostname, metadata } = detection;
  const said = hostname.toLowerCase();
  const own = sensors.find(({ id }) => id === subject);
  if (own === undefined || own.hostname.toLowerCase() === said) return detection;
  const isOfAnother = sensors.some(
    (other) => other.revoked_at === null && other.id !== subject && other.hostname.toLowerCase() === said,
  );
  if (!isOfAnother) return detection;
  const flagged = { ...metadata, [SAID_HOSTNAME]: hostname };
  return { ...detection, hostname: own.hostname, metadata: fits(flagged) ? flagged : metadata };
}

function fits(metadata: Detection['metadata']): boolean {
  const entries = Object.entries(metadata);
  const size = entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  return entries.length <= METADATA_MAX_ENTRIES && size <= METADATA_MAX;
}
