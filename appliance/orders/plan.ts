import { BulkheadError } from '../../base/errors.ts';
import { type BookEntry, changesMachine, isJob, isObserved, type Outcome, orderName } from './entry.ts';
import { JOBS_MAX } from './limits.ts';
import { failure, observeOrder } from './observe.ts';
import type { Sight } from './sight.ts';

/** What to do next with one order. */
export type Step =
  /** Say what has not been said yet. */
  | { act: 'tell'; entry: BookEntry }
  /** Write down that it was started, and then have its effect. */
  | { act: 'start'; entry: BookEntry }
  | { act: 'end'; entry: BookEntry; outcome: Outcome };

/**
 * What to do with the orders of the book, given what is seen of the machine. At most one step for each; done, it is planned again.
 * Nothing to do means: wait until something else is seen. Pure.
 *
 * @param entries oldest first, those that have ended and of which everything was told left out
 */
export function planOrders(entries: readonly BookEntry[], sight: Sight): Step[] {
  const steps: Step[] = [];
  let changing = entries.some(({ state, type }) => state === 'started' && changesMachine(type));
  let jobs = sight.doing.size;
  for (const entry of entries) {
    if (!isToldSoFar(entry)) {
      steps.push({ act: 'tell', entry });
      continue;
    }
    const outcome = outcomeOf(entry, sight);
    if (outcome) {
      steps.push({ act: 'end', entry, outcome });
      continue;
    }
    if (entry.state !== 'accepted') continue;
    if (changesMachine(entry.type)) {
      // One after the other: who comes later waits also for those that wait.
      if (!changing && mayBegin(entry, sight)) steps.push({ act: 'start', entry });
      changing = true;
    } else if (isJob(entry.type) ? jobs < JOBS_MAX : jobs === 0) {
      // The end of this process would be the end of what it does.
      steps.push({ act: 'start', entry });
      jobs = isJob(entry.type) ? jobs + 1 : JOBS_MAX;
    }
  }
  return steps;
}

/** An order is told before anything of it happens. */
export function isToldSoFar({ state, told }: BookEntry): boolean {
  return told === 'ended' || (told === 'accepted' && (state === 'accepted' || state === 'started'));
}

function outcomeOf(entry: BookEntry, sight: Sight): Outcome | null {
  const { state, type } = entry;
  if (state === 'accepted')
    return (changesMachine(type) && aimReached(entry, sight)) || overdue(entry, sight);
  if (state !== 'started') return null;
  // What was observed is true, also when it was too late.
  if (isObserved(type)) return observeOrder(entry, type, sight) ?? overdue(entry, sight);
  if (!sight.doing.has(orderName(entry)))
    return failure(
      new BulkheadError('ORDER_INTERRUPTED', 'the agent ended while it was at it', {
        hint: 'order it anew',
      }),
    );
  return overdue(entry, sight);
}

/** It is so already: nothing has to be done, and doing it again would be wrong. */
function aimReached({ type, parameters }: BookEntry, { judged, committed }: Sight): Outcome | null {
  const wanted =
    type === 'update' ? parameters['version'] : type === 'rollback' ? parameters['to_version'] : null;
  if (!judged || committed === null || committed.version !== wanted) return null;
  return { state: 'succeeded', facts: { ...committed, already: true } };
}

function overdue({ accepted_ms, timeout_s, state }: BookEntry, { now_ms }: Sight): Outcome | null {
  if (now_ms < accepted_ms + timeout_s * 1000) return null;
  const where = state === 'accepted' ? 'it had to wait and was not begun' : 'it was begun and has not ended';
  return failure(
    new BulkheadError('ORDER_DEADLINE', `its ${timeout_s} s are over: ${where}`, {
      hint: 'give it more time, or look what it waits for: bulkhead orders, bulkhead update status',
    }),
  );
}

function mayBegin({ type, parameters }: BookEntry, { judged, window_open }: Sight): boolean {
  if (!judged) return false;
  // Updates and returns wait for their window armed; root sees to that.
  return type !== 'reboot' || parameters['reboot'] !== 'in_window' || window_open;
}
