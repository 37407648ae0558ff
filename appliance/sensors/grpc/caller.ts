import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js';
import { BulkheadError } from '../../../base/errors.ts';
import type { SensorRegistry } from '../registry/registry.ts';
import type { Sensor } from '../registry/sensor.ts';
import type { SensorCertificate } from '../registry/tables.ts';

/** What a call tells of the one who makes it, before a byte of its message is read. */
export interface Call {
  getPeer(): string;
  getAuthContext(): ReturnType<ServerUnaryCall<unknown, unknown>['getAuthContext']>;
}

/** Who calls: a sensor by its certificate, or a stranger. */
export interface Caller {
  /** Without port. */
  address: string;
  known: { sensor: Sensor; certificate: SensorCertificate } | null;
}

/** A call of a sensor that is in. */
export interface SensorCall {
  sensor: Sensor;
  address: string;
  metadata: Metadata;
}

export function callerOf(call: Call, registry: SensorRegistry): Caller {
  const peer = call.getPeer();
  const address = peer.slice(0, Math.max(0, peer.lastIndexOf(':')));
  const fingerprint = call.getAuthContext().sslPeerCertificate?.fingerprint256;
  const known =
    fingerprint === undefined ? null : registry.byCertificate(fingerprint.replaceAll(':', '').toLowerCase());
  return { address, known };
}

/**
 * Who is let through. Whoever wants to register may be a stranger; a sensor that was revoked is told so there, too.
 *
 * @returns null: let through
 */
export function callerRefusal({ known }: Caller, registers: boolean, now_ms: number): BulkheadError | null {
  if (known !== null && known.sensor.revoked_at !== null)
    return new BulkheadError(
      'SENSOR_REVOKED',
      `${known.sensor.id} was revoked at ${known.sensor.revoked_at}`,
      {
        hint: 'an administrator has to let it in again, with a new code or a new claim',
      },
    );
  // A connection can outlive the certificate that it began with.
  if (registers || (known !== null && known.certificate.expires_ms > now_ms)) return null;
  return new BulkheadError(
    'SENSOR_UNAUTHENTICATED',
    'this call needs the client certificate of a sensor that is in',
    {
      hint: 'Register gives one; one that has ended, was replaced or is of another authority counts as none',
    },
  );
}
