import type { ServerWritableStream } from '@grpc/grpc-js';
import { BulkheadError } from '../../../base/errors.ts';
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthService,
  HealthCheckResponse_ServingStatus as Serving,
} from '../../../protocol/sensors/generated/grpc/health/v1/health.ts';
import { HEALTH_INTERVAL_MS } from './limits.ts';
import { type Decoded, messageOf, tolerant, unary } from './methods.ts';
import { statusOf } from './status.ts';

export interface HealthParts {
  /** Names of the services that are asked after; all are one process. */
  services: readonly string[];
  serving: () => boolean;
  onFault: (error: unknown) => void;
}

/** The health service that gRPC prescribes. */
export function createHealth({ services, serving, onFault }: HealthParts) {
  const known = (service: string) => service === '' || services.includes(service);
  const now = () => (serving() ? Serving.SERVING : Serving.NOT_SERVING);
  const watch = (call: ServerWritableStream<Decoded<HealthCheckRequest>, HealthCheckResponse>) => {
    let told: Serving | null = null;
    const tell = (current: Serving) => {
      if (current === told) return;
      told = current;
      call.write({ status: current });
    };
    try {
      const { service } = messageOf(call.request);
      // It may come to be later, so the stream stays open (the protocol asks for that).
      if (!known(service)) return tell(Serving.SERVICE_UNKNOWN);
      tell(now());
      const timer = setInterval(() => tell(now()), HEALTH_INTERVAL_MS);
      for (const event of ['cancelled', 'close', 'error']) call.on(event, () => clearInterval(timer));
    } catch (error) {
      call.emit('error', statusOf(error, onFault));
    }
  };
  return {
    definition: { check: tolerant(HealthService.check), watch: tolerant(HealthService.watch) },
    handlers: {
      check: unary<HealthCheckRequest, HealthCheckResponse>(async ({ service }) => {
        if (known(service)) return { status: now() };
        throw new BulkheadError('SENSOR_SERVICE_UNKNOWN', 'there is no such service');
      }, onFault),
      watch,
    },
  };
}
