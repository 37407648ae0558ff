import { type Static, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { BulkheadError } from '../../base/errors.ts';
import {
  type Envelope,
  type EnvelopeJson,
  envelopeFromJson,
  envelopeToJson,
  type Signer,
  signEnvelope,
  verifyEnvelope,
} from '../../base/signing/dsse.ts';
import { parseSignedJson } from '../../base/signing/signed-json.ts';
import { DeviceKeyId, TimeMs } from '../messages/parts.ts';
import { isOrderType, ORDER_TYPES, type OrderType } from './order-types.ts';

const ORDER_PAYLOAD_TYPE = 'application/vnd.bulkhead.order.v1+json';

/** One signed piece of work for one appliance. */
export const Order = t.Object(
  {
    format: t.Literal(1),
    id: t.String({ pattern: '^[0-9a-f-]{36}$' }),
    type: t.String({ maxLength: 64, pattern: '^[a-z_]+$' }),
    parameters: t.Record(t.String(), t.Unknown()),
    /** Key of the appliance it is for. */
    target: DeviceKeyId,
    /** Which execution this is, from 1; the same one may arrive twice and is done once. */
    attempt: t.Integer({ minimum: 1 }),
    /** No two envelopes are the same. */
    nonce: t.String({ pattern: '^[0-9a-f]{32}$' }),
    not_before_ms: TimeMs,
    expires_ms: TimeMs,
    /** From acceptance to the last result. */
    timeout_s: t.Integer({ minimum: 1 }),
  },
  { additionalProperties: false },
);
export type Order = Static<typeof Order>;

/** An order that this program does, with parameters that fit its type. */
export interface KnownOrder extends Order {
  type: OrderType;
}

/** @param order its parameters have passed checkParameters */
export function sealOrder(order: Order, signer: Signer): EnvelopeJson {
  const payload = new TextEncoder().encode(JSON.stringify(order));
  const unsigned: Envelope = { payloadType: ORDER_PAYLOAD_TYPE, payload, signatures: [] };
  return envelopeToJson(signEnvelope(unsigned, signer));
}

/**
 * The order in an envelope, read from exactly the bytes that were verified. Whether it is for this appliance, now, and something that
 * it does, is for admitOrder to say.
 *
 * @param keys order keys that the appliance trusts: key id to raw public key
 * @throws BulkheadError DSSE_* for envelope and signature; ORDER_UNTRUSTED, ORDER_INVALID
 */
export function readOrder(json: unknown, keys: ReadonlyMap<string, Uint8Array>): Order {
  const envelope = envelopeFromJson(json, ORDER_PAYLOAD_TYPE);
  if (verifyEnvelope(envelope, keys).length === 0)
    throw new BulkheadError('ORDER_UNTRUSTED', 'the order is signed by nobody this appliance trusts', {
      hint: 'the coordinator was replaced, or its order key; enrol anew',
    });
  try {
    return parseSignedJson(envelope.payload, Order);
  } catch (cause) {
    throw new BulkheadError('ORDER_INVALID', 'the signed content is no order', { cause });
  }
}

/**
 * @param reader the appliance's own key and time
 * @throws BulkheadError ORDER_TARGET, ORDER_EXPIRED, ORDER_EARLY, ORDER_TYPE_UNKNOWN, ORDER_PARAMETERS
 */
export function admitOrder(order: Order, reader: { key_id: string; now_ms: number }): KnownOrder {
  if (order.target !== reader.key_id)
    throw new BulkheadError('ORDER_TARGET', `order ${order.id} is for another appliance`);
  if (reader.now_ms >= order.expires_ms)
    throw new BulkheadError('ORDER_EXPIRED', `order ${order.id} ended at ${timeText(order.expires_ms)}`);
  if (reader.now_ms < order.not_before_ms)
    throw new BulkheadError('ORDER_EARLY', `order ${order.id} begins at ${timeText(order.not_before_ms)}`);
  const { type } = order;
  if (!isOrderType(type))
    throw new BulkheadError('ORDER_TYPE_UNKNOWN', `this version does not do orders of type '${type}'`);
  checkParameters(type, order.parameters);
  return { ...order, type };
}

/** Both at once: @throws BulkheadError what readOrder and admitOrder throw */
export function openOrder(
  json: unknown,
  keys: ReadonlyMap<string, Uint8Array>,
  reader: { key_id: string; now_ms: number },
): KnownOrder {
  return admitOrder(readOrder(json, keys), reader);
}

/** @throws BulkheadError ORDER_PARAMETERS with the first field that does not fit */
export function checkParameters(type: OrderType, parameters: unknown): void {
  const schema = ORDER_TYPES[type].parameters;
  if (Value.Check(schema, parameters)) return;
  const first = Value.Errors(schema, parameters).First();
  throw new BulkheadError(
    'ORDER_PARAMETERS',
    `the parameters of '${type}' do not fit: ${first?.path || '/'}: ${first?.message ?? 'invalid'}`,
  );
}

function timeText(time_ms: number): string {
  return new Date(time_ms).toISOString();
}
