import { ORDER_LOG_PIECE_MAX } from '../../../protocol/limits.ts';
import type { OrderLogPiece, OrderResult } from '../../../protocol/orders/result.ts';
import type { OutgoingMessage } from '../interfaces.ts';
import { MESSAGE_MAX_BYTES } from '../limits.ts';

/** A message as it will be sent. */
export interface WrittenMessage {
  kind: OutgoingMessage['kind'];
  /** Null for a state report. */
  order_id: string | null;
  /** JSON. */
  body: string;
}

/** The message as bodies that the coordinator takes, in their order. One that can never be taken would hold up all behind it. */
export function fitMessage(message: OutgoingMessage): WrittenMessage[] {
  const { kind } = message;
  if (kind === 'state') return [{ kind, order_id: null, body: JSON.stringify(message.report) }];
  const { order_id } = message;
  if (kind === 'result') return [{ kind, order_id, body: fitResult(message.result) }];
  return fitPiece(message.piece).map((body) => ({ kind, order_id, body }));
}

/** A result has to arrive: without its facts when they are too many, and saying so. */
function fitResult(result: OrderResult): string {
  const body = JSON.stringify(result);
  const size_bytes = Buffer.byteLength(body);
  if (size_bytes <= MESSAGE_MAX_BYTES) return body;
  return JSON.stringify({ ...result, facts: { left_out_bytes: size_bytes } });
}

/** A piece is bounded in characters, a body in bytes: what needs several bytes a character is cut in two, each at its place. */
function fitPiece({ attempt, offset, text }: OrderLogPiece): string[] {
  if (text === '') return [];
  const body = JSON.stringify({ attempt, offset, text });
  if (text.length <= ORDER_LOG_PIECE_MAX && Buffer.byteLength(body) <= MESSAGE_MAX_BYTES) return [body];
  const half = Math.floor(text.length / 2);
  const at = isSecondOfPair(text, half) ? half + 1 : half;
  return [
    ...fitPiece({ attempt, offset, text: text.slice(0, at) }),
    ...fitPiece({ attempt, offset: offset + at, text: text.slice(at) }),
  ];
}

/** Whether a cut here would tear a character apart that takes two places (UTF-16). */
function isSecondOfPair(text: string, at: number): boolean {
  return (text.codePointAt(at - 1) ?? 0) > 0xffff;
}
