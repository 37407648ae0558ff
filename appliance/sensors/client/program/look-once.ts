import { BulkheadError } from '../../../../base/errors.ts';
import type { Reading } from '../sdk/reading.ts';
import { thisMachine } from './machine.ts';

/** Every check of this machine, or those that are named, once. @throws BulkheadError SENSOR_CHECK_UNKNOWN */
export async function lookOnce(names: readonly string[]): Promise<Reading[]> {
  const { checks } = thisMachine();
  const unknown = names.find((name) => !checks.some(({ check_type }) => check_type === name));
  if (unknown !== undefined)
    throw new BulkheadError('SENSOR_CHECK_UNKNOWN', `there is no check '${unknown}'`, {
      hint: `there are: ${checks.map(({ check_type }) => check_type).join(', ')}`,
    });
  const wanted = checks.filter(({ check_type }) => names.length === 0 || names.includes(check_type));
  return Promise.all(wanted.map((check) => check.look({})));
}

export function presentReadings(readings: readonly Reading[]): string {
  return readings
    .map(({ check_type, passed, actual, expected }) => {
      const head = `${passed ? 'ok    ' : 'FAILED'} ${check_type.padEnd(12)} ${actual}`;
      return passed ? head : `${head}\n${' '.repeat(20)}expected: ${expected}`;
    })
    .join('\n');
}
