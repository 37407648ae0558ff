import { Database } from 'bun:sqlite';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeFolder } from '../../test/unit/make-folder.ts';
import type { Outbox } from '../link/interfaces.ts';
import { OrderBook } from './book.ts';
import { orderName } from './entry.ts';
import { envelope, makeSight, NOW_MS, OpenOutbox, orderId, trust } from './lab/order-lab.ts';
import { LOST_AFTER_MS } from './limits.ts';
import { createOrderRunner, type OrderEffects, type RunningOrders } from './runner.ts';

/** The agent dies between any two things that it does, and is started again: what holds then. */

class Crash extends Error {}

/** From some call on, nothing that is done reaches the disk any more. */
class Fuse {
  #left = Number.POSITIVE_INFINITY;

  /** @param calls that still go through, each twice: before it has its effect and after */
  set(calls: number): void {
    this.#left = calls;
  }

  around<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (_, name) => {
        const member = Reflect.get(target, name) as unknown;
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          this.#burn();
          const result = member.apply(target, args) as unknown;
          // Nobody is left to hear of it when the agent dies right behind the call.
          if (result instanceof Promise) result.catch(() => undefined);
          this.#burn();
          return result;
        };
      },
    });
  }

  #burn(): void {
    if (this.#left <= 0) throw new Crash();
    this.#left -= 1;
  }
}

const folder = makeFolder('crash');
const TYPES = ['reboot', 'restart_agent', 'view_logs', 'force_checkin', 'update'] as const;

interface Life {
  /** Calls until the crash. */
  calls: number;
  /** What was asked of root is done in the meantime. */
  obeyed: boolean;
  rebooted: boolean;
}

const life = fc.record<Life>({
  calls: fc.nat({ max: 60 }),
  obeyed: fc.boolean(),
  rebooted: fc.boolean(),
});

/** Everything that outlives the agent. */
class World {
  readonly outbox = new OpenOutbox();
  readonly done: string[] = [];
  readonly path: string;
  boot = 1;
  now_ms = NOW_MS;
  /** Name of what root was asked and has not done. */
  asked: string | null = null;
  #runs = 0;

  constructor(number: number) {
    this.path = join(folder, `${number}.db`);
  }

  /** One life of the agent. */
  async live(types: readonly string[], { calls }: Life): Promise<void> {
    const fuse = new Fuse();
    const { book, runner } = this.#start(fuse);
    fuse.set(calls);
    const envelopes = types.map((type, index) => envelope(type, { id: orderId(index + 1) }));
    runner.take(envelopes, trust());
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    runner.take(envelopes, trust());
    fuse.set(0);
    await runner.stop();
    book.close();
  }

  /** Lives without a crash, and time enough. */
  async rest(): Promise<void> {
    for (let more = 0; more < 3; more += 1) {
      this.now_ms += LOST_AFTER_MS;
      const { runner } = this.#start(new Fuse());
      for (let turn = 0; turn < 50; turn += 1) {
        runner.poke();
        await Promise.resolve();
        // Root takes what it is asked, and nothing comes of it.
        this.asked = null;
        this.now_ms += LOST_AFTER_MS;
      }
      await runner.stop();
    }
  }

  #start(fuse: Fuse): { book: OrderBook; runner: RunningOrders } {
    const file = new Database(this.path, { create: true, strict: true });
    // What is flushed to the disk is SQLite's own matter; here it is about the order of what is written.
    file.run('PRAGMA synchronous = OFF');
    const book = new OrderBook(file, true);
    this.#runs += 1;
    const effects: OrderEffects = {
      begin: (entry) => {
        this.done.push(orderName(entry));
        this.asked = orderName(entry);
      },
      withdraw: (entry) => {
        if (this.asked === orderName(entry)) this.asked = null;
      },
      job: async (entry, _, outbox: Outbox) => {
        this.done.push(orderName(entry));
        outbox.put({ kind: 'log', order_id: entry.id, piece: { attempt: 1, offset: 0, text: 'x' } });
        return { facts: {} };
      },
    };
    const runner = createOrderRunner({
      ...{ book: fuse.around(book), outbox: fuse.around<Outbox>(this.outbox), effects: fuse.around(effects) },
      look: () =>
        makeSight({
          boot_id: `boot-${this.boot}`,
          update: { ...makeSight().update, asked: this.asked },
          power: { asked: this.asked, answer: null },
        }),
      ...{ run_id: `run-${this.#runs}`, now_ms: () => this.now_ms, steady_ms: () => this.now_ms },
      ...{ warn: () => undefined, note: () => undefined },
    });
    return { book, runner };
  }
}

test('an order is done at most once and told to its end, wherever the agent dies', async () => {
  let number = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...TYPES), { minLength: 1, maxLength: 3 }),
      fc.array(life, { minLength: 1, maxLength: 4 }),
      async (types, lives) => {
        number += 1;
        const world = new World(number);
        for (const one of lives) {
          await world.live(types, one);
          if (one.obeyed) world.asked = null;
          if (one.rebooted) world.boot += 1;
        }
        world.asked = null;
        await world.rest();
        const rebooted = world.boot > 1;
        for (const [index, type] of types.entries()) {
          const id = orderId(index + 1);
          const times = world.done.filter((name) => name === `${id}/1`).length;
          expect(times, `${type} was done`).toBeLessThanOrEqual(1);
          const states = world.outbox.states(id);
          // Nothing of it reached the disk: the coordinator will hand it out again.
          if (states.length === 0) {
            expect(times).toBe(0);
            continue;
          }
          expect(states[0]).toBe('accepted');
          const ends = new Set(states.filter((state) => state !== 'accepted'));
          expect([...ends], `${type} ended`).toHaveLength(1);
          if (!ends.has('succeeded')) continue;
          // That the agent is another process, or the boot another one, is what was wanted, however it came about.
          if (type === 'reboot') expect(rebooted).toBe(true);
          else if (type !== 'restart_agent') expect(times).toBe(1);
        }
        rmSync(world.path);
      },
    ),
    { numRuns: 300 },
  );
}, 60_000);
