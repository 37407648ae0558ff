import type { Detection } from '../detection.ts';

/** A sensor that is not there. */
export const SENSOR = 's-00000000000000a1';
/** 2026-11-21T12:00:00Z. */
export const NOON_S = 1_795_262_400;

/** A drift as a sensor reports it; what is given counts instead. */
export function exampleDetection(more: Partial<Detection> = {}): Detection {
  return {
    ...{ subject: SENSOR, hostname: 'till-1', check_type: 'firewall', passed: false, expected: 'running' },
    ...{ actual: 'stopped', control: '164.312(e)(1)', severity: 'high', at_s: NOON_S, metadata: {} },
    ...more,
  };
}
