import {
  type Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js';
import { BulkheadError } from '../../../base/errors.ts';
import { addressKey } from '../admission/address-guard.ts';
import type { SensorRegistry } from '../registry/registry.ts';
import { type Caller, callerOf, callerRefusal } from './caller.ts';
import {
  CALLS_PER_SENSOR_MAX,
  REQUEST_MS,
  SENSOR_CALLS_BURST,
  SENSOR_CALLS_PER_S,
  STRANGER_CALLS_BURST,
  STRANGER_CALLS_PER_S,
  STRANGERS_MAX,
  STRANGERS_PER_ADDRESS_MAX,
} from './limits.ts';
import { Meters } from './meter.ts';
import { statusOf } from './status.ts';

export interface GateParts {
  registry: SensorRegistry;
  now_ms: () => number;
  /** Told of each call of a sensor that may go on, with `address:port`. */
  onSensor: (peer: string, sensor: string) => void;
  onFault: (error: unknown) => void;
  /** Path of the call that strangers may make. */
  register_path: string;
}

/** Stands in front of every call: who may not make it is told so before his message is read, and takes no memory. */
export function createGate({
  registry,
  now_ms,
  onSensor,
  onFault,
  register_path,
}: GateParts): ServerInterceptor {
  const sensorCalls = new Meters({ per_s: SENSOR_CALLS_PER_S, burst: SENSOR_CALLS_BURST });
  const strangerCalls = new Meters({ per_s: STRANGER_CALLS_PER_S, burst: STRANGER_CALLS_BURST });
  const open = new OpenCalls();

  const refusalOf = (caller: Caller, path: string): BulkheadError | null => {
    const refused = callerRefusal(caller, path === register_path, now_ms());
    if (refused) return refused;
    const mayCall =
      caller.known === null
        ? strangerCalls.take(addressKey(caller.address), now_ms())
        : sensorCalls.take(caller.known.sensor.id, now_ms());
    if (!mayCall) return rate('it calls too often');
    return open.hasRoom(caller) ? null : rate('too many of its calls are open');
  };

  return ({ path, requestStream }, call) => {
    const caller = callerOf(call, registry);
    const refused = refusalOf(caller, path);
    if (refused)
      return new ServerInterceptingCall(call, { start: () => call.sendStatus(statusOf(refused, onFault)) });
    if (caller.known) {
      onSensor(call.getPeer(), caller.known.sensor.id);
      registry.certificateUsed(caller.known.certificate);
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    let leave = () => {};
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata: Metadata, next: (metadata: Metadata) => void) => {
        leave = open.enter(caller);
        if (!requestStream) timer = setTimeout(() => call.sendStatus(statusOf(idle(), onFault)), REQUEST_MS);
        next(metadata);
      })
      .withOnReceiveHalfClose((next: () => void) => {
        clearTimeout(timer);
        next();
      })
      // Called at the end of every call, whatever it was.
      .withOnCancel(() => {
        clearTimeout(timer);
        leave();
      })
      .build();
    return new ServerInterceptingCall(
      call,
      new ResponderBuilder().withStart((next) => next(listener)).build(),
    );
  };
}

/** Calls that are open, by who makes them. */
class OpenCalls {
  readonly #counts = new Map<string, number>();

  hasRoom(caller: Caller): boolean {
    if (caller.known !== null) return this.#count(keyOf(caller)) < CALLS_PER_SENSOR_MAX;
    return this.#count(keyOf(caller)) < STRANGERS_PER_ADDRESS_MAX && this.#count('') < STRANGERS_MAX;
  }

  /** @returns takes it out again, once */
  enter(caller: Caller): () => void {
    // Strangers are counted all together, too.
    const keys = caller.known === null ? [keyOf(caller), ''] : [keyOf(caller)];
    for (const key of keys) this.#counts.set(key, this.#count(key) + 1);
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      for (const key of keys) {
        const left = this.#count(key) - 1;
        if (left > 0) this.#counts.set(key, left);
        else this.#counts.delete(key);
      }
    };
  }

  #count(key: string): number {
    return this.#counts.get(key) ?? 0;
  }
}

function keyOf({ known, address }: Caller): string {
  return known === null ? addressKey(address) : known.sensor.id;
}

function rate(why: string): BulkheadError {
  return new BulkheadError('SENSOR_RATE', `the call is not taken: ${why}`, {
    hint: 'come again in a few seconds',
  });
}

function idle(): BulkheadError {
  return new BulkheadError('SENSOR_IDLE', `the message of this call has not come in ${REQUEST_MS / 1000} s`);
}
