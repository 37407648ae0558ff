import type { EvidenceLog } from '../../evidence/entry.ts';
import type { Detection } from '../../findings/detection.ts';
import type { Sensor } from '../registry/sensor.ts';
import { addressKey } from './address-guard.ts';

/** A sensor that came again for an answer which got lost did so from another address than before. */
export type OnElsewhere = (sensor: Sensor, from: string, to: string) => void;

/**
 * A sensor was let in at one address and came for its key at another: the machine has moved, or somebody has listened and has a key of
 * that name now. No later check closes this; a person does, who has looked, or revokes the sensor. Pure.
 */
export function admittedElsewhere(sensor: Sensor, from: string, to: string, now_ms: number): Detection {
  return {
    subject: sensor.id,
    hostname: sensor.hostname,
    check_type: 'admission',
    passed: false,
    expected: `registered from ${from} alone`,
    actual: `registered from ${to} as well: revoke it unless the machine has moved ('bulkhead sensors revoke ${sensor.id}')`,
    control: null,
    severity: 'high',
    at_s: Math.floor(now_ms / 1000),
    metadata: {},
  };
}

/**
 * Tells of those, each once for an address, before they get an answer: a registration by HTTP can be overheard.
 *
 * @returns what throws as the evidence does: what cannot be recorded must not happen
 */
export function elsewhereTeller(parts: {
  evidence: Pick<EvidenceLog, 'append'>;
  onElsewhere?: OnElsewhere;
}): (sensor: Sensor, from: string | null, to: string) => Promise<void> {
  const told = new Set<string>();
  return async (sensor, from, to) => {
    const { id, hostname } = sensor;
    const key = `${id} ${addressKey(to)}`;
    // Where the program before let it in, nobody wrote down from where.
    if (from === null || addressKey(from) === addressKey(to) || told.has(key)) return;
    const body = { sensor: id, hostname, address: to, first_address: from };
    await parts.evidence.append([{ kind: 'sensor.admitted_elsewhere', body }]);
    told.add(key);
    parts.onElsewhere?.(sensor, from, to);
  };
}
