import type { Sensor } from '../../../appliance/sensors/registry/sensor.ts';

/** One that was let in a moment ago. */
export function exampleSensor(index: number): Sensor {
  return {
    ...{
      id: `s-${index.toString(16).padStart(16, '0')}`,
      hostname: `desk-${index}`,
      way: 'grpc',
      domain: null,
    },
    ...{ os_version: 'Debian 12', agent_version: '1.0.0', mac_address: null, tier: 'self_heal' },
    ...{ admitted_at: new Date().toISOString(), admitted_by: 'operator', revoked_at: null },
    ...{ last_heard_at: null, mode: null, drift_count: 0, healing_count: 0 },
  };
}
