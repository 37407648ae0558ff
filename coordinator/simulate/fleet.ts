import { dueOf, makeBox } from './box.ts';
import { createDueQueue } from './due-queue.ts';
import { REQUESTS_AT_ONCE } from './limits.ts';
import { createRandom } from './random.ts';
import { createTally, type Tally } from './tally.ts';
import { turn, type World } from './turn.ts';
import { createWire } from './wire.ts';

export interface FleetOptions
  extends Pick<World, 'seed' | 'hardware' | 'odds' | 'update_ms' | 'sessions' | 'sites_percent' | 'codeFor'> {
  server: URL;
  appliances: number;
  /** That they run in the beginning. */
  version: string;
}

export interface Fleet {
  read(): Tally;
  /** Begins nothing more, and resolves when what was begun has ended. */
  stop(): Promise<void>;
}

/**
 * A fleet in one process. Each appliance waits in one queue for what it has to do next, and one loop takes out who is due: there is a timer
 * for the first of them, and none for the others.
 */
export function startFleet(options: FleetOptions): Fleet {
  const { seed, appliances, version } = options;
  const tally = createTally();
  const wire = createWire(options.server, Date.now);
  const random = createRandom(seed);
  const world: World = { ...options, wire, tally, random, orderKeys: new Map() };
  const queue = createDueQueue(appliances);
  const boxes = Array.from({ length: appliances }, (_, index) => makeBox(index, version, wire.now_ms()));
  for (const { index } of boxes) queue.push(index, 0);
  let stopping = false;
  let wake: () => void = () => undefined;
  const running = new Set<Promise<void>>();
  const begin = (index: number) => {
    const box = boxes[index];
    if (!box) return;
    const ended = turn(box, world).then(() => {
      running.delete(ended);
      const due_ms = dueOf(box);
      if (due_ms < Number.POSITIVE_INFINITY) queue.push(index, due_ms);
      wake();
    });
    running.add(ended);
  };
  const live = async () => {
    while (!stopping) {
      const wait_ms = queue.next_ms() - wire.now_ms();
      if (wait_ms <= 0 && running.size < REQUESTS_AT_ONCE) {
        begin(queue.pop() ?? 0);
        continue;
      }
      await new Promise<void>((resolve) => {
        // Somebody who is busy now may be due before the first in the queue: the end of every turn wakes, too.
        const timer =
          wait_ms > 0 && wait_ms < Number.POSITIVE_INFINITY ? setTimeout(resolve, wait_ms) : undefined;
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    await Promise.all(running);
  };
  const life = live();
  return {
    read: tally.read,
    async stop() {
      stopping = true;
      wake();
      await life;
    },
  };
}
