import {
  EVENT_BACKLOG_MAX,
  EVENT_CLIENTS_MAX,
  EVENT_HEARTBEAT_MS,
  EVENT_INTERVAL_MIN_MS,
  EVENT_RETRY_MS,
} from './limits.ts';
import { asProblem, eventsFull, problemBody } from './problem.ts';
import type { Status } from './status.ts';

/** Numbers for /metrics. */
export interface EventCounts {
  clients: number;
  dropped: number;
  refused: number;
}

export interface EventHub {
  /**
   * A new stream of server-sent events (WHATWG HTML, section 9.2) that starts with the whole status.
   *
   * @throws BulkheadError STATUS_EVENTS_FULL
   */
  open(): ReadableStream<Uint8Array>;
  /** Tells every client; bursts are told as one. */
  publish(status: Status): void;
  counts(): EventCounts;
  /** Ends every stream and all timers; later calls of `open` are refused. */
  close(): void;
}

export interface EventHubOptions {
  read: () => Promise<Status>;
  clients_max?: number;
  heartbeat_ms?: number;
  interval_min_ms?: number;
}

interface Client {
  controller: ReadableStreamDefaultController<Uint8Array>;
  /** The status this client was told last, so that it never hears the same twice. */
  told: Status | null;
}

const encoder = new TextEncoder();

export function createEventHub(options: EventHubOptions): EventHub {
  const clients_max = options.clients_max ?? EVENT_CLIENTS_MAX;
  const heartbeat_ms = options.heartbeat_ms ?? EVENT_HEARTBEAT_MS;
  const interval_min_ms = options.interval_min_ms ?? EVENT_INTERVAL_MIN_MS;
  const clients = new Set<Client>();
  const counts = { dropped: 0, refused: 0 };
  let closed = false;
  let heartbeat: ReturnType<typeof setInterval> | null = null;
  let pause: ReturnType<typeof setTimeout> | null = null;
  let waiting: Status | null = null;
  let eventId = 0;

  const forget = (client: Client) => {
    clients.delete(client);
    if (clients.size > 0 || heartbeat === null) return;
    clearInterval(heartbeat);
    heartbeat = null;
  };

  const send = (client: Client, text: string) => {
    if (!clients.has(client)) return;
    // The queue fills only while the client's socket takes nothing; an abandoned stream must not hold messages.
    if ((client.controller.desiredSize ?? 0) <= 0) {
      counts.dropped += 1;
      forget(client);
      client.controller.error(new Error('the client does not keep up'));
      return;
    }
    try {
      client.controller.enqueue(encoder.encode(text));
    } catch {
      // Its socket went away between two events and nobody told us yet; that must not reach whoever pushed the status.
      forget(client);
    }
  };

  const tell = (client: Client, status: Status, text = statusEvent(status, ++eventId)) => {
    if (client.told === status) return;
    client.told = status;
    send(client, text);
  };

  const tellAll = (status: Status) => {
    const text = statusEvent(status, ++eventId);
    for (const client of [...clients]) tell(client, status, text);
  };

  const afterPause = () => {
    pause = null;
    if (waiting === null) return;
    const status = waiting;
    waiting = null;
    publish(status);
  };

  const publish = (status: Status) => {
    if (closed || clients.size === 0) return;
    if (pause !== null) {
      waiting = status;
      return;
    }
    pause = setTimeout(afterPause, interval_min_ms);
    tellAll(status);
  };

  // The beat also asks anew: uptime and memory change without anyone announcing it, and a source that fails is told.
  const beat = async () => {
    for (const client of [...clients]) send(client, ': still here\n\n');
    try {
      publish(await options.read());
    } catch (error) {
      for (const client of [...clients]) send(client, problemEvent(error));
    }
  };

  const welcome = async (client: Client) => {
    send(client, `retry: ${EVENT_RETRY_MS}\n\n`);
    try {
      tell(client, await options.read());
    } catch (error) {
      send(client, problemEvent(error));
    }
  };

  return {
    open() {
      if (closed || clients.size >= clients_max) {
        counts.refused += 1;
        throw eventsFull(clients_max);
      }
      let client: Client;
      return new ReadableStream<Uint8Array>(
        {
          start(controller) {
            client = { controller, told: null };
            clients.add(client);
            heartbeat ??= setInterval(() => void beat(), heartbeat_ms);
            void welcome(client);
          },
          cancel() {
            forget(client);
          },
        },
        new CountQueuingStrategy({ highWaterMark: EVENT_BACKLOG_MAX }),
      );
    },
    publish,
    counts: () => ({ clients: clients.size, ...counts }),
    close() {
      closed = true;
      if (pause !== null) clearTimeout(pause);
      for (const client of [...clients]) {
        forget(client);
        client.controller.close();
      }
    },
  };
}

/** JSON has no raw line breaks, so one `data:` line always holds it. */
function statusEvent(status: Status, id: number): string {
  return `id: ${id}\nevent: status\ndata: ${JSON.stringify(status)}\n\n`;
}

function problemEvent(error: unknown): string {
  return `event: problem\ndata: ${JSON.stringify(problemBody(asProblem(error)))}\n\n`;
}
