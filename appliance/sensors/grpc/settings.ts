import type { Sensor } from '../registry/sensor.ts';
import { CHECK_INTERVAL_MAX_S, CHECK_INTERVAL_MIN_S, CHECK_INTERVAL_S } from './limits.ts';

/** What a sensor is told to do. */
export interface SensorSettings {
  /** CHECK_INTERVAL_MIN_S to CHECK_INTERVAL_MAX_S. */
  check_interval_s: number;
  checks: readonly string[];
  /** Settings of single checks. */
  check_config: Readonly<Record<string, string>>;
}

/** REFERENCE: what a sensor on a workstation looks at, and one on Linux. */
const WORKSTATION_CHECKS = ['bitlocker', 'defender', 'firewall', 'patches', 'screenlock', 'rmm'];
const LINUX_CHECKS = ['patches', 'ssh', 'firewall', 'disk', 'services', 'time', 'users'];
const WORKSTATION = /windows|darwin|macos|mac os/i;

export function settingsFor({ os_version }: Sensor, check_interval_s = CHECK_INTERVAL_S): SensorSettings {
  return {
    check_interval_s: Math.min(
      CHECK_INTERVAL_MAX_S,
      Math.max(CHECK_INTERVAL_MIN_S, Math.round(check_interval_s)),
    ),
    checks: WORKSTATION.test(os_version) ? WORKSTATION_CHECKS : LINUX_CHECKS,
    check_config: {},
  };
}

/** Two that are the same need not be told again. */
export function settingsDigest(sensor: Sensor, settings: SensorSettings): string {
  return Bun.hash(JSON.stringify([sensor.tier, settings])).toString(16);
}
