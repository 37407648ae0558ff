import { Database, SQLiteError } from 'bun:sqlite';
import { READ_STORE_MS } from './limits.ts';

/**
 * Looks into the store again and again, in a thread of its own, and remembers each event that it has seen there: the oldest are given up when
 * the store is at its bound, long before a load of ten minutes is over.
 */
export interface StoreReader {
  /** Looks once more, and tells how often each event of each sensor was there: by sensor, then by the event's number. */
  stop(): Promise<ReadonlyMap<string, Uint8Array>>;
}

/** @param file of a store that exists · @param events_max of one sensor */
export function readStore(file: string, events_max: number): StoreReader {
  const worker = new Worker(import.meta.url);
  worker.postMessage({ file, events_max } satisfies Task);
  return {
    async stop() {
      const seen = await new Promise<Map<string, Uint8Array>>((resolve, reject) => {
        worker.onmessage = ({ data }: MessageEvent<Map<string, Uint8Array>>) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message));
        worker.postMessage('stop');
      });
      worker.terminate();
      return seen;
    },
  };
}

interface Task {
  file: string;
  events_max: number;
}

declare const self: Worker;

if (!Bun.isMainThread) {
  const seen = new Map<string, Uint8Array>();
  let last = 0;
  let stopped = false;
  const look = ({ file, events_max }: Task): void => {
    const database = new Database(file, { readonly: true });
    try {
      const rows = database
        .query<{ seq: number; subject: string; number: number }, [number]>(
          `select seq, subject, cast(metadata ->> 'event_id' as integer) as number from events where seq > ?`,
        )
        .all(last);
      for (const { seq, subject, number } of rows) {
        const counts = seen.get(subject) ?? new Uint8Array(events_max);
        seen.set(subject, counts);
        counts[number] = (counts[number] ?? 0) + 1;
        last = Math.max(last, seq);
      }
    } finally {
      database.close();
    }
  };
  const readOn = async (task: Task) => {
    while (!stopped) {
      try {
        look(task);
      } catch (error) {
        // Locked by a service that opens it anew, or no room for its index: what is there now is there the next time.
        if (!(error instanceof SQLiteError)) throw error;
      }
      await Bun.sleep(READ_STORE_MS);
    }
    look(task);
    self.postMessage(seen);
  };
  self.onmessage = ({ data }: MessageEvent<'stop' | Task>) => {
    if (data === 'stop') stopped = true;
    else void readOn(data);
  };
}
