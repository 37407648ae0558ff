import { BulkheadError, describeError } from '../../base/errors.ts';
import { admitOrder, type Order, readOrder } from '../../protocol/orders/order.ts';
import { createCoordinatorClock } from '../link/coordinator-clock.ts';
import type { OrderRunner, OrderTrust, Outbox } from '../link/interfaces.ts';
import type { OrderBook } from './book.ts';
import {
  type BookEntry,
  isJob,
  isObserved,
  type JobType,
  type ObservedType,
  type Outcome,
  orderName,
} from './entry.ts';
import { LOOK_MS, ROUNDS_MAX } from './limits.ts';
import { failure } from './observe.ts';
import { isToldSoFar, planOrders, type Step } from './plan.ts';
import { logPieces, nextResult } from './results.ts';
import type { Sight } from './sight.ts';

/** Keys of the coordinator, as they were when orders last came: key id to raw public key. */
export type OrderKeys = OrderTrust['keys'];

/** What a job found out. */
export interface JobReport {
  facts: Record<string, unknown>;
  log?: string;
}

/** What orders do to the world. */
export interface OrderEffects {
  /** Asks for what is then observed. @throws when it could not even be asked for */
  begin(entry: BookEntry, type: ObservedType): void;
  /** Takes back what was asked for and nobody has taken yet. */
  withdraw(entry: BookEntry): void;
  /** @throws what stands in the way */
  job(entry: BookEntry, type: JobType, outbox: Outbox, order_keys: OrderKeys): Promise<JobReport>;
}

export interface RunnerOptions {
  book: OrderBook;
  outbox: Outbox;
  effects: OrderEffects;
  /** Looks at the machine now; must not throw. */
  look: () => Omit<Sight, 'now_ms' | 'run_id' | 'doing'>;
  /** Another one for every process. */
  run_id: string;
  /** Milliseconds since 1970. */
  now_ms: () => number;
  /** Milliseconds that never jump: a clock that is put right must not let the time of an order pass. */
  steady_ms: () => number;
  warn: (message: string) => void;
  note: (message: string) => void;
}

export interface RunningOrders extends OrderRunner {
  /** Looks what became of what is under way. */
  poke(): void;
}

/** Does orders: each attempt at most once, whatever happens in between, and told to its end. */
export function createOrderRunner(options: RunnerOptions): RunningOrders {
  const { book, outbox, effects, warn, note, steady_ms } = options;
  const clock = createCoordinatorClock(options.now_ms, steady_ms);
  // The clock of the coordinator has fractions; instants that are told and written down are whole.
  const now_ms = () => Math.round(clock.now_ms());
  const jobs = new Set<string>();
  let keys: OrderKeys = new Map();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;

  const takeOne = (envelope: unknown, trust: OrderTrust) => {
    const order = readOrder(envelope, trust.keys);
    const known = book.find(order);
    if (known) {
      // The coordinator has not heard what was said: it is said again.
      if (known.told !== 'nothing') book.tell(known, 'nothing');
      return;
    }
    // Somebody repeats what is over.
    if (order.attempt < book.lastAttempt(order.id)) return;
    const refusal = refusalOf(order, trust, book.durable);
    if (refusal) {
      const { code, message } = refusal;
      book.refuse(order, now_ms(), { code, message });
      warn(`order ${orderName(order)} (${order.type}) is refused: ${describeError(refusal)}`);
      return;
    }
    book.accept(order, now_ms());
    note(`order ${orderName(order)} (${order.type}) is accepted`);
  };

  const perform = (step: Step) => {
    const { entry } = step;
    if (step.act === 'tell') {
      const { told, result } = nextResult(entry);
      outbox.put({ kind: 'result', order_id: entry.id, result });
      book.tell(entry, told);
    } else if (step.act === 'start') start(entry);
    else end(entry, step.outcome);
  };

  const start = (entry: BookEntry) => {
    const { boot_id, committed } = options.look();
    const mark = { at_ms: now_ms(), boot_id, run_id: options.run_id, version: committed?.version ?? null };
    if (!book.start(entry, mark)) return;
    const { type } = entry;
    if (isJob(type)) {
      jobs.add(orderName(entry));
      void work(entry, type);
      return;
    }
    try {
      if (isObserved(type)) effects.begin(entry, type);
    } catch (error) {
      end(entry, failedBy(error));
    }
  };

  const end = (entry: BookEntry, outcome: Outcome) => {
    if (outcome.state === 'failed') {
      if (isObserved(entry.type)) effects.withdraw(entry);
      tellLog(entry, outcome.log?.join('\n') ?? '');
    }
    if (!book.end(entry, now_ms(), outcome)) return;
    const how = outcome.state === 'failed' ? `failed: ${outcome.code}: ${outcome.message}` : 'has succeeded';
    note(`order ${orderName(entry)} (${entry.type}) ${how}`);
  };

  const work = async (entry: BookEntry, type: JobType) => {
    // Not before it is noted that this process is at it.
    await Promise.resolve();
    const { outcome, log } = await outcomeOf(() => effects.job(entry, type, outbox, keys));
    if (stopped) return;
    try {
      // One that was too late has been told already.
      if (book.find(entry)?.state === 'started') {
        tellLog(entry, log);
        end(entry, outcome);
      }
    } catch (error) {
      warn(`what became of an order cannot be written down: ${describeError(error)}`);
    }
    jobs.delete(orderName(entry));
    turn();
  };

  const tellLog = ({ id, attempt }: BookEntry, log: string) => {
    for (const piece of logPieces(attempt, log)) outbox.put({ kind: 'log', order_id: id, piece });
  };

  const tellAll = () => {
    for (;;) {
      const untold = book.open().filter((entry) => !isToldSoFar(entry));
      if (untold.length === 0) return;
      for (const entry of untold) perform({ act: 'tell', entry });
    }
  };

  const advance = (): boolean => {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const entries = book.open();
      if (entries.length === 0) return false;
      const sight: Sight = {
        ...options.look(),
        ...{ now_ms: now_ms(), run_id: options.run_id, doing: new Set(jobs) },
      };
      const steps = planOrders(entries, sight);
      if (steps.length === 0) return true;
      for (const step of steps) perform(step);
    }
    throw new BulkheadError('ORDER_PLAN_ENDLESS', 'the orders do not come to rest');
  };

  /** Does all that can be done now, and comes again while something is under way. */
  const turn = () => {
    clearTimeout(timer);
    if (stopped) return;
    let waiting = true;
    try {
      waiting = advance();
    } catch (error) {
      warn(`orders cannot be done now: ${describeError(error)}`);
    }
    if (waiting) timer = setTimeout(turn, LOOK_MS);
  };

  // What an earlier process left.
  queueMicrotask(turn);
  return {
    take(envelopes, trust) {
      if (stopped) return;
      keys = trust.keys;
      clock.heard(trust.now_ms, steady_ms(), steady_ms());
      for (const envelope of envelopes) {
        try {
          takeOne(envelope, trust);
        } catch (error) {
          // Nothing that was not verified is answered: it may name any order.
          warn(`an order was passed over: ${describeError(error)}`);
        }
      }
      turn();
    },
    poke: turn,
    async stop() {
      if (stopped) return;
      stopped = true;
      clearTimeout(timer);
      try {
        // A job that goes on is not waited for, and what it finds out is told to nobody.
        for (const entry of book.open()) if (jobs.has(orderName(entry))) end(entry, failure(brokenOff()));
        tellAll();
        book.close();
      } catch (error) {
        warn(`orders are told after the next start: ${describeError(error)}`);
      }
    },
  };
}

function refusalOf(order: Order, trust: OrderTrust, durable: boolean): BulkheadError | null {
  try {
    const { type } = admitOrder(order, trust);
    if (!isJob(type) && !isObserved(type))
      return new BulkheadError(
        'ORDER_TYPE_NOT_DONE',
        `this version does not do orders of type '${type}' yet`,
        {
          hint: 'bring the appliance up to date',
        },
      );
    if (isObserved(type) && !durable)
      return new BulkheadError(
        'ORDER_NO_MEMORY',
        'this appliance could not remember the order over the restart that it needs',
        { hint: 'its data partition is full, read-only or missing: look at its page' },
      );
    return null;
  } catch (error) {
    if (error instanceof BulkheadError) return error;
    throw error;
  }
}

function brokenOff(): BulkheadError {
  return new BulkheadError('ORDER_INTERRUPTED', 'the agent was stopped while it was at it', {
    hint: 'order it anew',
  });
}

async function outcomeOf(job: () => Promise<JobReport>): Promise<{ outcome: Outcome; log: string }> {
  try {
    const { facts, log = '' } = await job();
    return { outcome: { state: 'succeeded', facts }, log };
  } catch (error) {
    return { outcome: failedBy(error), log: '' };
  }
}

function failedBy(error: unknown): Outcome {
  if (error instanceof BulkheadError)
    return { state: 'failed', code: error.code, message: describeError(error).slice(error.code.length + 2) };
  return { state: 'failed', code: 'INTERNAL', message: describeError(error) };
}
