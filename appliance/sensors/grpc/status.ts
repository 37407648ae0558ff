import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { BulkheadError } from '../../../base/errors.ts';

/** What an error is to the one who called. Codes that are not here are faults of ours. */
const STATUSES: Readonly<Record<string, status>> = {
  SENSOR_MESSAGE: status.INVALID_ARGUMENT,
  SENSOR_FIELD: status.INVALID_ARGUMENT,
  SENSOR_CLAIM_INVALID: status.INVALID_ARGUMENT,
  SENSOR_CSR_INVALID: status.INVALID_ARGUMENT,
  DETECTION_INVALID: status.INVALID_ARGUMENT,
  SENSOR_UNAUTHENTICATED: status.UNAUTHENTICATED,
  SENSOR_REVOKED: status.PERMISSION_DENIED,
  SENSOR_REFUSED: status.PERMISSION_DENIED,
  SENSOR_CODE_UNKNOWN: status.PERMISSION_DENIED,
  SENSOR_IDENTITY: status.PERMISSION_DENIED,
  SENSOR_WAITING: status.FAILED_PRECONDITION,
  SENSOR_CLAIM_MISSING: status.FAILED_PRECONDITION,
  SENSOR_BLOCKED: status.RESOURCE_EXHAUSTED,
  SENSOR_RATE: status.RESOURCE_EXHAUSTED,
  SENSOR_WAITING_FULL: status.RESOURCE_EXHAUSTED,
  SENSORS_MAX: status.RESOURCE_EXHAUSTED,
  FINDING_CHECKS_MAX: status.RESOURCE_EXHAUSTED,
  SITE_STORE_FULL: status.RESOURCE_EXHAUSTED,
  EVIDENCE_FULL: status.RESOURCE_EXHAUSTED,
  SITE_BUSY: status.RESOURCE_EXHAUSTED,
  SITE_STORE_FAILED: status.UNAVAILABLE,
  SITE_STORE_STOPPED: status.UNAVAILABLE,
  EVIDENCE_FAILED: status.UNAVAILABLE,
  SENSOR_STOPPING: status.UNAVAILABLE,
  SENSOR_IDLE: status.DEADLINE_EXCEEDED,
  SENSOR_SERVICE_UNKNOWN: status.NOT_FOUND,
};

/** Trailer with the fixed code of an error. */
const CODE_TRAILER = 'bulkhead-error';

/**
 * An error as gRPC tells it: status, the words with what to do, and the fixed code in a trailer.
 *
 * @param onFault told those that are none of the caller's business
 */
export function statusOf(error: unknown, onFault: (error: unknown) => void): StatusObject {
  const code = error instanceof BulkheadError ? STATUSES[error.code] : undefined;
  const metadata = new Metadata();
  if (!(error instanceof BulkheadError) || code === undefined) {
    onFault(error);
    metadata.set(CODE_TRAILER, 'INTERNAL');
    return { code: status.INTERNAL, details: 'the appliance met an error that it does not know', metadata };
  }
  metadata.set(CODE_TRAILER, error.code);
  const details = error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
  // It is percent-encoded on the way, which half a character would stop.
  return { code, details: details.toWellFormed(), metadata };
}
