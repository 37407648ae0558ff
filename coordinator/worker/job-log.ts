import { JOB_LOG_MAX } from '../builds/limits.ts';
import { LOG_INTERVAL_MS, LOG_PIECE_CHARS } from './limits.ts';

export interface JobLog {
  write(text: string): void;
  /** Sends what is left. */
  close(): Promise<void>;
}

const CUT = '\n… the rest of this log was cut\n';

/**
 * Sends a log in pieces while it grows, each with the place where it belongs, in order. What does not fit is left out.
 *
 * @param send sends one piece; may take as long as it needs, and rejects when no piece is wanted any more
 */
export function openJobLog(
  send: (piece: { offset: number; text: string }) => Promise<void>,
  interval_ms = LOG_INTERVAL_MS,
): JobLog {
  let written = 0;
  let sent = 0;
  let waiting = '';
  let wanted = true;
  let sending: Promise<void> | undefined;
  const flush = async () => {
    while (waiting !== '' && wanted) {
      const text = firstPiece(waiting);
      try {
        await send({ offset: sent, text });
      } catch {
        // The build is not this worker's any more; whoever asks for its lease is told so.
        wanted = false;
      }
      waiting = waiting.slice(text.length);
      sent += text.length;
    }
    sending = undefined;
  };
  const timer = setInterval(() => {
    sending ??= flush();
  }, interval_ms);
  return {
    write(text) {
      const room = JOB_LOG_MAX - CUT.length - written;
      if (room <= 0) return;
      // PostgreSQL keeps no NUL.
      const clean = text.replaceAll('\0', '\uFFFD');
      waiting += clean.length <= room ? clean : clean.slice(0, room) + CUT;
      written += Math.min(clean.length, room);
    },
    async close() {
      clearInterval(timer);
      await sending;
      await flush();
    },
  };
}

/** As much as one piece may have, without cutting a character in two. */
function firstPiece(text: string): string {
  if (text.length <= LOG_PIECE_CHARS) return text;
  const piece = text.slice(0, LOG_PIECE_CHARS);
  return /[\uD800-\uDBFF]$/.test(piece) ? piece.slice(0, -1) : piece;
}
