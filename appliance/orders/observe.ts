import { BulkheadError } from '../../base/errors.ts';
import { ROLLED_BACK_CODE } from '../../protocol/orders/result.ts';
import type { PastUpdate } from '../../updater/state/records.ts';
import { type BookEntry, type ObservedType, type Outcome, orderName } from './entry.ts';
import { LOST_AFTER_MS } from './limits.ts';
import type { Sight } from './sight.ts';

/**
 * What became of an order that was started and whose effect is outside of this process: told from what is observed alone, so that it
 * is the same before and after a restart. Null: it is under way. Pure.
 */
export function observeOrder(entry: BookEntry, type: ObservedType, sight: Sight): Outcome | null {
  switch (type) {
    case 'update':
      return observeUpdate(entry, sight);
    case 'rollback':
      return observeReturn(entry, sight);
    case 'reboot':
      return observeReboot(entry, sight);
    case 'restart_agent':
      return observeRestart(entry, sight);
  }
}

function observeUpdate(entry: BookEntry, sight: Sight): Outcome | null {
  const name = orderName(entry);
  const version = String(entry.parameters['version']);
  const past = pastOf(name, sight);
  if (past) return afterUpdate(past, version, sight);
  if (isOnItsWay(name, sight)) return null;
  // The history could not be written.
  const { progress } = sight.update;
  if (progress?.order === name && progress.state === 'failed') {
    const code = progress.code ?? 'INTERNAL';
    return { state: 'failed', code, message: withoutCode(progress.message, code) };
  }
  // What runs already is no update, and in no record.
  if (sight.committed?.version === version) return arrived(sight.committed);
  return lostAfterAWhile(entry, sight);
}

function afterUpdate(past: PastUpdate, version: string, sight: Sight): Outcome | null {
  if (past.outcome !== 'succeeded') return notArrived(past);
  const { method, fetched_bytes, from_version } = past;
  if (sight.committed?.version === version)
    return arrived(sight.committed, { method, fetched_bytes, from_version });
  if (sight.committed === null) return null;
  const message = `${version} was committed and then left; ${sight.committed.version} runs`;
  return failure(new BulkheadError(ROLLED_BACK_CODE, message));
}

function observeReturn(entry: BookEntry, sight: Sight): Outcome | null {
  const name = orderName(entry);
  const past = pastOf(name, sight);
  if (past) return past.version === null ? notArrived(past) : afterUpdate(past, past.version, sight);
  const refused = refusalOf(name, sight);
  if (refused) return refused;
  const { start } = entry;
  if (start !== null && start.boot_id !== sight.boot_id && !isOnItsWay(name, sight)) {
    // Out of a trial that was given up nothing is on record: what runs tells it.
    if (sight.committed === null) return null;
    const { to_version } = entry.parameters;
    const { version } = sight.committed;
    if (to_version === undefined ? version !== start.version : version === to_version)
      return arrived(sight.committed, { from_version: start.version });
    return lost(`${version} runs, and no record says what became of the return`);
  }
  return isAnswered(name, sight) || isOnItsWay(name, sight) ? null : lostAfterAWhile(entry, sight);
}

function observeReboot(entry: BookEntry, sight: Sight): Outcome | null {
  const name = orderName(entry);
  if (entry.start !== null && entry.start.boot_id !== sight.boot_id)
    return { state: 'succeeded', facts: { boot_id: sight.boot_id, boot_id_before: entry.start.boot_id } };
  return (
    refusalOf(name, sight) ??
    (isAnswered(name, sight) || sight.power.asked === name ? null : lostAfterAWhile(entry, sight))
  );
}

function observeRestart(entry: BookEntry, sight: Sight): Outcome | null {
  return entry.start !== null && entry.start.run_id !== sight.run_id
    ? { state: 'succeeded', facts: { boot_id: sight.boot_id } }
    : lostAfterAWhile(entry, sight);
}

function pastOf(name: string, { update }: Sight): PastUpdate | undefined {
  return update.history.find(({ order }) => order === name);
}

/** Some record of root's has it, so there will be a word. */
function isOnItsWay(name: string, { update, power }: Sight): boolean {
  const { asked, taken, progress, pending } = update;
  return (
    asked === name ||
    taken === name ||
    (progress?.order === name && progress.state !== 'failed') ||
    pending?.order === name ||
    power.asked === name
  );
}

function isAnswered(name: string, { power }: Sight): boolean {
  return power.answer?.order === name;
}

function refusalOf(name: string, { power }: Sight): Outcome | null {
  const { answer } = power;
  if (answer?.order !== name || answer.outcome !== 'failed') return null;
  return { state: 'failed', code: answer.code ?? 'INTERNAL', message: answer.message };
}

function arrived(committed: { slot: string; version: string }, more: Record<string, unknown> = {}): Outcome {
  return { state: 'succeeded', facts: { ...committed, ...more } };
}

function notArrived({ outcome, reason, code, console_tail }: PastUpdate): Outcome {
  if (outcome === 'rolled_back')
    return { state: 'failed', code: ROLLED_BACK_CODE, message: reason, log: console_tail };
  if (outcome === 'cancelled')
    return failure(new BulkheadError('ORDER_CANCELLED', `somebody took it back: ${reason}`));
  return { state: 'failed', code: code ?? 'INTERNAL', message: withoutCode(reason, code) };
}

/** The code has a field of its own. */
function withoutCode(reason: string, code: string | undefined): string {
  return code !== undefined && reason.startsWith(`${code}: `) ? reason.slice(code.length + 2) : reason;
}

function lostAfterAWhile({ start }: BookEntry, { now_ms }: Sight): Outcome | null {
  // A clock that was set back says nothing about how long it was.
  if (start !== null && Math.abs(now_ms - start.at_ms) < LOST_AFTER_MS) return null;
  return lost('it was begun, and no record says what became of it');
}

function lost(message: string): Outcome {
  return failure(
    new BulkheadError('ORDER_LOST', message, {
      hint: 'the agent or the machine went down in between, or somebody else changed slots; look what runs and order it anew',
    }),
  );
}

/** An error as the end of an order. */
export function failure(error: BulkheadError): Outcome {
  return { state: 'failed', code: error.code, message: error.message };
}
