import { BulkheadError } from '../../../base/errors.ts';

export function unknownCode(): BulkheadError {
  return new BulkheadError('SENSOR_CODE_UNKNOWN', 'the code is not known, was used, or is older than a day', {
    hint: "'bulkhead sensors code' makes a new one; each lets in one sensor",
  });
}

/** Why somebody is not let in, as it is told to him. */
export function refusal(
  code: 'SENSOR_CODE_UNKNOWN' | 'SENSOR_REFUSED' | 'SENSOR_CLAIM_MISSING',
): BulkheadError {
  switch (code) {
    case 'SENSOR_CODE_UNKNOWN':
      return unknownCode();
    case 'SENSOR_REFUSED':
      return new BulkheadError('SENSOR_REFUSED', 'this sensor is not let in', {
        hint: 'an administrator refused it, or its claim was used before; it needs a new claim or a one-time code',
      });
    case 'SENSOR_CLAIM_MISSING':
      return new BulkheadError('SENSOR_CLAIM_MISSING', 'the sensor brings neither a code nor a claim', {
        hint: 'give it a one-time code, or let it make a claim (32 random bytes) and approve that',
      });
  }
}
