import { randomBytes } from 'node:crypto';
import { BulkheadError } from '../../../base/errors.ts';
import type { Admitter, CapabilityTier, Sensor, SensorWay } from '../registry/sensor.ts';
import { CLAIM_BYTES, FACT_MAX, HOSTNAME_MAX } from './limits.ts';

/** What a machine says that wants to be let in. */
export interface AdmissionPlea {
  way: SensorWay;
  hostname: string;
  domain: string | null;
  os_version: string;
  agent_version: string;
  mac_address: string | null;
  /** One-time code. */
  code: string | null;
  /** 32 random bytes that it keeps. */
  claim: Uint8Array | null;
  /** Where it comes from. */
  address: string;
}

/** The sensor that somebody becomes who is let in. */
export function newSensor(
  plea: AdmissionPlea,
  admitted_by: Admitter,
  tier: CapabilityTier,
  now_ms: number,
): Sensor {
  const { hostname, way, domain, os_version, agent_version, mac_address } = plea;
  return {
    id: `s-${randomBytes(8).toString('hex')}`,
    ...{ hostname, way, domain, os_version, agent_version, mac_address, tier, admitted_by },
    ...{ admitted_at: new Date(now_ms).toISOString(), revoked_at: null, last_heard_at: null },
    ...{ mode: null, drift_count: 0, healing_count: 0 },
  };
}

/** What a stranger says is shown to people and kept. @throws BulkheadError SENSOR_FIELD, SENSOR_CLAIM_INVALID */
export function assertPlea({
  hostname,
  domain,
  os_version,
  agent_version,
  mac_address,
  claim,
}: AdmissionPlea): void {
  const texts = { domain, os_version, agent_version, mac_address };
  const long = Object.entries(texts).find(([, text]) => (text ?? '').length > FACT_MAX || hasControls(text));
  if (long) throw wrongField(long[0], `at most ${FACT_MAX} characters that can be printed`);
  if (hostname === '' || hostname.length > HOSTNAME_MAX || hasControls(hostname))
    throw wrongField('hostname', `1 to ${HOSTNAME_MAX} characters that can be printed`);
  if (claim !== null && claim.length !== CLAIM_BYTES)
    throw new BulkheadError('SENSOR_CLAIM_INVALID', `the claim has ${claim.length} bytes`, {
      hint: `${CLAIM_BYTES} random bytes that the sensor keeps`,
    });
}

function hasControls(text: string | null): boolean {
  return /\p{Cc}/u.test(text ?? '');
}

function wrongField(field: string, wanted: string): BulkheadError {
  return new BulkheadError('SENSOR_FIELD', `${field}: ${wanted}`);
}
