import { BulkheadError, describeError } from '../../base/errors.ts';
import type { Coordinator } from '../context.ts';
import {
  BACKLOG_MAX,
  HEARTBEAT_MS,
  PULSE_INTERVAL_MS,
  RETRY_MS,
  SESSION_STREAMS_MAX,
  STREAM_LIFE_MS,
  STREAMS_MAX,
} from './limits.ts';
import { type Concern, newConcerns, type Pulse, readPulse } from './pulse.ts';

/** Tells pages that something of theirs has changed. */
export interface LiveHub {
  /**
   * A stream of server-sent events (WHATWG HTML, section 9.2): `changed`, whenever something that concerns it has happened.
   *
   * @param session whose it is, for the bound on how many
   * @throws BulkheadError LIVE_STREAMS_FULL
   */
  open(session: string, concerns: ReadonlySet<Concern>): ReadableStream<Uint8Array>;
  /** Ends all streams and looks no more; later calls of `open` are refused. */
  close(): Promise<void>;
}

interface Times {
  interval_ms: number;
  heartbeat_ms: number;
  life_ms: number;
}
const TIMES: Times = {
  interval_ms: PULSE_INTERVAL_MS,
  heartbeat_ms: HEARTBEAT_MS,
  life_ms: STREAM_LIFE_MS,
};

interface Listener {
  session: string;
  concerns: ReadonlySet<Concern>;
  controller: ReadableStreamDefaultController<Uint8Array>;
  /** By the clock of this process, as all times here. */
  opened_ms: number;
  heard_ms: number;
}

const encoder = new TextEncoder();

/** Looks only while somebody listens. */
export function createLiveHub(
  coordinator: Pick<Coordinator, 'database' | 'now_ms' | 'log'>,
  times: Times = TIMES,
): LiveHub {
  const listeners = new Set<Listener>();
  let closed = false;
  let timer: ReturnType<typeof setInterval> | null = null;
  let looking: Promise<void> | null = null;
  let last: Pulse | null = null;

  const forget = (listener: Listener) => {
    listeners.delete(listener);
    if (listeners.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
    last = null;
  };
  const end = (listener: Listener) => {
    forget(listener);
    listener.controller.close();
  };
  const send = (listener: Listener, text: string) => {
    if ((listener.controller.desiredSize ?? 0) <= 0) {
      forget(listener);
      listener.controller.error(new Error('the browser does not keep up'));
      return;
    }
    listener.heard_ms = performance.now();
    listener.controller.enqueue(encoder.encode(text));
  };

  const look = async () => {
    const pulse = await readPulse(coordinator);
    const happened = last === null ? [] : newConcerns(last, pulse);
    last = pulse;
    const now_ms = performance.now();
    for (const listener of [...listeners]) {
      if (happened.some((concern) => listener.concerns.has(concern)))
        send(listener, 'event: changed\ndata:\n\n');
      else if (now_ms - listener.heard_ms >= times.heartbeat_ms) send(listener, ': still here\n\n');
      if (listeners.has(listener) && now_ms - listener.opened_ms >= times.life_ms) end(listener);
    }
  };
  const lookOnce = () => {
    looking ??= look()
      .catch((error: unknown) =>
        coordinator.log.error('failed to look for what is new', { error: describeError(error) }),
      )
      .finally(() => {
        looking = null;
      });
  };

  return {
    open(session, concerns) {
      const own = [...listeners].filter((listener) => listener.session === session).length;
      if (closed || own >= SESSION_STREAMS_MAX || listeners.size >= STREAMS_MAX)
        throw new BulkheadError('LIVE_STREAMS_FULL', 'no more pages can be live at once', {
          hint: 'the page stands still and can be loaded anew; close others',
        });
      let listener: Listener;
      return new ReadableStream<Uint8Array>(
        {
          start(controller) {
            const now_ms = performance.now();
            listener = { session, concerns, controller, opened_ms: now_ms, heard_ms: now_ms };
            listeners.add(listener);
            timer ??= setInterval(lookOnce, times.interval_ms);
            send(listener, `retry: ${RETRY_MS}\n\n`);
            // From here on every change is told.
            if (last === null) lookOnce();
          },
          cancel() {
            forget(listener);
          },
        },
        new CountQueuingStrategy({ highWaterMark: BACKLOG_MAX }),
      );
    },
    async close() {
      closed = true;
      for (const listener of [...listeners]) end(listener);
      await looking;
    },
  };
}
