import { ORDER_LOG_PIECE_MAX, RESULT_MESSAGE_MAX } from '../../protocol/limits.ts';
import type { OrderLogPiece, OrderResult } from '../../protocol/orders/result.ts';
import type { BookEntry } from './entry.ts';
import { LOG_MAX } from './limits.ts';

/** The next word about an order: that it was taken, then how it ended. Pure. */
export function nextResult(entry: BookEntry): { told: 'accepted' | 'ended'; result: OrderResult } {
  const { attempt, state, accepted_ms, ended_ms, code, message, facts, told } = entry;
  if (state === 'accepted' || state === 'started' || (told === 'nothing' && state !== 'refused'))
    return { told: 'accepted', result: { attempt, state: 'accepted', observed_at_ms: accepted_ms } };
  return {
    told: 'ended',
    result: {
      ...{ attempt, state, observed_at_ms: ended_ms ?? accepted_ms },
      ...(code === null ? {} : { code }),
      ...(message === null ? {} : { message: shortened(message, RESULT_MESSAGE_MAX) }),
      ...(facts === null ? {} : { facts }),
    },
  };
}

/** A log as pieces in their order; of one that is too long the end, which is where the latest lines are. Pure. */
export function logPieces(attempt: number, log: string): OrderLogPiece[] {
  const text = log.length <= LOG_MAX ? log : `${CUT}${cutFrom(log, log.length - LOG_MAX + CUT.length)}`;
  const pieces: OrderLogPiece[] = [];
  for (let offset = 0; offset < text.length; ) {
    const end = cutBefore(text, Math.min(text.length, offset + ORDER_LOG_PIECE_MAX));
    pieces.push({ attempt, offset, text: text.slice(offset, end) });
    offset = end;
  }
  return pieces;
}

const CUT = '(the beginning was left out)\n';

function shortened(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, cutBefore(text, max - 1))}…`;
}

function cutFrom(text: string, at: number): string {
  return text.slice(cutBefore(text, at) < at ? at + 1 : at);
}

/** A character that takes two places in UTF-16 is not torn apart. */
function cutBefore(text: string, at: number): number {
  return (text.codePointAt(at - 1) ?? 0) > 0xffff ? at - 1 : at;
}
