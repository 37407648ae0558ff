import type { handleUnaryCall, MethodDefinition } from '@grpc/grpc-js';
import { BulkheadError, describeError } from '../../../base/errors.ts';
import { statusOf } from './status.ts';

/** A message, or why the bytes are none. (grpc-js says INTERNAL to those before anybody is asked.) */
export type Decoded<T> = { message: T } | { fault: string };

/** The same call, whose handler is told when the bytes are no message. */
export function tolerant<Request, Response>(
  method: MethodDefinition<Request, Response>,
): MethodDefinition<Decoded<Request>, Response> {
  return {
    ...method,
    requestSerialize: (decoded) =>
      'message' in decoded ? method.requestSerialize(decoded.message) : Buffer.alloc(0),
    requestDeserialize: (bytes) => {
      try {
        return { message: method.requestDeserialize(bytes) };
      } catch (error) {
        return { fault: describeError(error) };
      }
    },
  };
}

/** @throws BulkheadError SENSOR_MESSAGE */
export function messageOf<T>(decoded: Decoded<T>): T {
  if ('message' in decoded) return decoded.message;
  throw new BulkheadError('SENSOR_MESSAGE', `the message cannot be read: ${decoded.fault.slice(0, 200)}`, {
    hint: 'it is not of the type that this call takes (compliance.proto), or a number in it is beyond 2^53',
  });
}

type UnaryCall<Request, Response> = Parameters<handleUnaryCall<Decoded<Request>, Response>>[0];

/** A call with one answer, as a function that may throw. */
export function unary<Request, Response>(
  answer: (message: Request, call: UnaryCall<Request, Response>) => Promise<Response>,
  onFault: (error: unknown) => void,
): handleUnaryCall<Decoded<Request>, Response> {
  return (call, callback) => {
    const work = async () => answer(messageOf(call.request), call);
    work().then(
      (response) => callback(null, response),
      (error: unknown) => callback(statusOf(error, onFault)),
    );
  };
}
