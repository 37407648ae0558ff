import type { Database } from 'bun:sqlite';
import { BulkheadError } from '../../../../base/errors.ts';
import { EVENT_MAX_BYTES, QUEUE_MAX_BYTES, QUEUE_MAX_EVENTS } from './limits.ts';
import { makeEvent, type SensorEvent } from './reading.ts';
import type { SensorStore } from './sensor-store.ts';

/** What events of the queue itself are called. */
export const QUEUE_CHECK = 'sensor_queue';

export interface QueuedEvent {
  /** Rises with time. */
  id: number;
  event: SensorEvent;
}

/** Events that never arrived, by what they were; since the file was made. */
export interface Lost {
  passed: number;
  failed: number;
  /** The appliance said that it will never take them. */
  refused: number;
}

export interface QueueBounds {
  events: number;
  bytes: number;
}

interface Waiting {
  count: number;
  size_bytes: number;
}

const BOUNDS: QueueBounds = { events: QUEUE_MAX_EVENTS, bytes: QUEUE_MAX_BYTES };

/**
 * Events that wait for the appliance, in their order, on the disk. When there are too many, the oldest that passed are given up first,
 * and only when there are none left the oldest that failed. What was given up is counted and told (`tellLoss`).
 */
export class EventQueue {
  readonly #store: SensorStore;
  readonly #bounds: QueueBounds;
  #count = 0;
  #size_bytes = 0;

  constructor(store: SensorStore, bounds: QueueBounds = BOUNDS) {
    this.#store = store;
    this.#bounds = bounds;
    this.#become(this.#measure());
  }

  get count(): number {
    return this.#count;
  }

  /** Durable when it returns, where there is a disk. @throws BulkheadError SENSOR_EVENT_TOO_LARGE */
  put(event: SensorEvent): void {
    const body = serialise(event);
    this.#become(this.#store.work((file) => this.#insert(file, event, body)));
  }

  /** The oldest behind `after`, at most `count`. */
  next(after: number, count: number): QueuedEvent[] {
    const rows = this.#store.work((file) =>
      file
        .query<{ id: number; body: string }, [number, number]>(
          'SELECT id, body FROM events WHERE id > ? ORDER BY id LIMIT ?',
        )
        .all(after, count),
    );
    return rows.map(({ id, body }) => ({ id, event: JSON.parse(body) as SensorEvent }));
  }

  /** It has arrived. @param refused the appliance will never take it */
  remove({ id }: QueuedEvent, refused = false): void {
    const left_bytes = this.#store.work((file) => {
      const row = file
        .query<{ bytes: number }, [number]>(
          'DELETE FROM events WHERE id = ? RETURNING octet_length(body) AS bytes',
        )
        .get(id);
      if (row !== null && refused) add(file, 'lost_refused', 1);
      return row?.bytes;
    });
    // What was given up while it was under way is counted already.
    if (left_bytes !== undefined)
      this.#become({ count: this.#count - 1, size_bytes: this.#size_bytes - left_bytes });
  }

  /**
   * Turns what was given up since the last time into one failed event that waits like any other, and once everything has arrived
   * again into one that passed. Called when there is a connection, and when the queue is empty.
   */
  tellLoss(now_s: number): void {
    const counted = this.#counters();
    const failed = counted.get('untold_failed') ?? 0;
    const passed = counted.get('untold_passed') ?? 0;
    const lost = failed + passed;
    if (lost === 0 && (!counted.has('loss_open') || this.#count > 0)) return;
    const said =
      lost === 0
        ? 'everything that was waiting has arrived'
        : `${lost} events were given up while they waited: ${failed} that failed, ${passed} that passed`;
    const event = makeEvent(
      {
        ...{ check_type: QUEUE_CHECK, passed: lost === 0, actual: said, control: null },
        expected: 'every event of this sensor arrives',
        metadata: lost === 0 ? {} : { lost_failed: String(failed), lost_passed: String(passed) },
      },
      now_s,
    );
    this.#become(
      this.#store.work((file) => {
        file
          .query("DELETE FROM counters WHERE name IN ('untold_passed', 'untold_failed', 'loss_open')")
          .run();
        if (lost > 0) add(file, 'loss_open', 1);
        return this.#insert(file, event, serialise(event));
      }),
    );
  }

  state(): { waiting: number; waiting_bytes: number; lost: Lost } {
    const counted = this.#counters();
    const lost = (what: string) => counted.get(`lost_${what}`) ?? 0;
    return {
      ...{ waiting: this.#count, waiting_bytes: this.#size_bytes },
      lost: { passed: lost('passed'), failed: lost('failed'), refused: lost('refused') },
    };
  }

  /** Puts it in and gives up what is too much. @returns what waits then; true once the transaction has ended */
  #insert(file: Database, event: SensorEvent, body: string): Waiting {
    const { changes } = file
      .query('INSERT OR IGNORE INTO events (event_id, passed, body) VALUES (?, ?, ?)')
      .run(event.event_id, Number(event.passed), body);
    if (changes === 0) return { count: this.#count, size_bytes: this.#size_bytes };
    let count = this.#count + 1;
    let size_bytes = this.#size_bytes + Buffer.byteLength(body);
    while (count > this.#bounds.events || size_bytes > this.#bounds.bytes) {
      const victim = file
        .query<{ passed: number; bytes: number }, []>(
          `DELETE FROM events WHERE id = (SELECT id FROM events ORDER BY passed DESC, id LIMIT 1)
           RETURNING passed, octet_length(body) AS bytes`,
        )
        .get();
      if (victim === null) break;
      count -= 1;
      size_bytes -= victim.bytes;
      const what = victim.passed === 1 ? 'passed' : 'failed';
      add(file, `lost_${what}`, 1);
      add(file, `untold_${what}`, 1);
    }
    return { count, size_bytes };
  }

  #counters(): Map<string, number> {
    const rows = this.#store.work((file) =>
      file.query<{ name: string; count: number }, []>('SELECT name, count FROM counters').all(),
    );
    return new Map(rows.map(({ name, count }) => [name, count]));
  }

  #measure(): Waiting {
    const totals = this.#store.work((file) =>
      file
        .query<Waiting, []>(
          'SELECT count(*) AS count, coalesce(sum(octet_length(body)), 0) AS size_bytes FROM events',
        )
        .get(),
    );
    return totals ?? { count: 0, size_bytes: 0 };
  }

  #become({ count, size_bytes }: Waiting): void {
    this.#count = count;
    this.#size_bytes = size_bytes;
  }
}

function add(file: Database, name: string, count: number): void {
  file
    .query('INSERT INTO counters VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET count = count + ?2')
    .run(name, count);
}

function serialise(event: SensorEvent): string {
  const body = JSON.stringify(event);
  const size_bytes = Buffer.byteLength(body);
  if (size_bytes <= EVENT_MAX_BYTES) return body;
  throw new BulkheadError(
    'SENSOR_EVENT_TOO_LARGE',
    `an event of the check '${event.check_type}' has ${size_bytes} bytes; at most ${EVENT_MAX_BYTES} are sent`,
    { hint: 'put less into the metadata of the reading' },
  );
}
