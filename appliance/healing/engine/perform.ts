import { describeError } from '../../../base/errors.ts';
import type { EvidenceLog } from '../../evidence/entry.ts';
import type { Detection } from '../../findings/detection.ts';
import type { Findings } from '../../findings/findings.ts';
import { actionFacts } from '../actions.ts';
import type { HealingMode } from '../decide/decide.ts';
import { COMMAND_WAY_S, OUTPUT_MAX } from '../limits.ts';
import type { OpenedTarget } from '../target.ts';
import { endedEntry, startedEntry } from './bodies.ts';
import type { Healing } from './healing-record.ts';
import type { HealingJournal } from './journal.ts';

export interface PerformParts {
  journal: HealingJournal;
  evidence: EvidenceLog;
  findings: Pick<Findings, 'record' | 'settle'>;
  mode: () => HealingMode;
  /** @throws when the machine cannot be reached */
  open: (healing: Healing) => Promise<OpenedTarget>;
  now_s: () => number;
  /** Ends everything that waits, when the process is stopped. */
  stopped: AbortSignal;
}

/**
 * Takes one healing from where it stands to its end: evidence, action, second look. Each step is on the disk before the next, so that it
 * can be called again for what a process before this one has left.
 *
 * @returns how it ended; null: the process is being stopped, and it goes on at the next start
 * @throws what store and journal throw; nothing more is done then
 */
export async function perform(healing: Healing, parts: PerformParts): Promise<Healing | null> {
  const { stopped } = parts;
  let current = healing;
  let target: OpenedTarget | null = null;
  try {
    if (current.state === 'detected') {
      const begun = await begin(current, parts);
      if (begun.state === 'refused') return begun;
      current = begun;
      try {
        target = await parts.open(current);
        current = await act(current, target, parts);
      } catch (error) {
        if (stopped.aborted) return null;
        current = await parts.journal.move(current, 'ended', said(false, describeError(error), parts));
      }
    } else if (current.state === 'acting') {
      // It is not known how far it came. It is not done again: what is there is looked at.
      target = await openQuietly(current, parts);
      await settle(target, current, parts);
      if (stopped.aborted) return null;
      current = await parts.journal.move(current, 'ended', { acted_s: parts.now_s() });
    }
    if (stopped.aborted) return null;
    target ??= await openQuietly(current, parts);
    return await verify(current, target, parts);
  } finally {
    await quietly(target?.close());
  }
}

/** Nothing is done that is not on record first, and nothing after somebody has switched it off. */
async function begin(healing: Healing, parts: PerformParts): Promise<Healing> {
  const { journal, evidence, mode, now_s } = parts;
  try {
    await evidence.append([startedEntry(healing)]);
  } catch (error) {
    return refuse(healing, `it could not be put on record: ${describeError(error)}`, parts);
  }
  if (mode() !== 'on') return refuse(healing, 'healing is not switched on', parts);
  return journal.move(healing, 'begin', { acting_s: now_s() });
}

/** @throws HEALING_STATE, what the store throws */
export function refuse(
  healing: Healing,
  reason: string,
  { journal, now_s }: Pick<PerformParts, 'journal' | 'now_s'>,
): Promise<Healing> {
  return journal.move(healing, 'refuse', { ended_s: now_s(), reason });
}

async function settle(
  target: OpenedTarget | null,
  { action }: Healing,
  { stopped }: PerformParts,
): Promise<void> {
  const signal = limited(actionFacts(action).timeout_s + COMMAND_WAY_S, stopped);
  if (target) await quietly(orAborted(target.settled(signal), signal));
}

async function act(healing: Healing, target: OpenedTarget, parts: PerformParts): Promise<Healing> {
  const { action, params } = healing;
  const signal = limited(actionFacts(action).timeout_s + COMMAND_WAY_S, parts.stopped);
  const { claimed, output } = await orAborted(target.act(action, params, signal), signal);
  return parts.journal.move(healing, 'ended', said(claimed, output, parts));
}

async function verify(
  healing: Healing,
  target: OpenedTarget | null,
  parts: PerformParts,
): Promise<Healing | null> {
  const { journal, findings, now_s, stopped } = parts;
  let seen_again: Detection | null = null;
  let why: string | null = target ? null : 'the machine cannot be reached';
  if (target) {
    await pause(healing.settle_s, stopped);
    const signal = limited(target.look_timeout_s, stopped);
    try {
      seen_again = await orAborted(target.detect(healing.check_type, signal), signal);
    } catch (error) {
      if (stopped.aborted) return null;
      why = signal.aborted ? `no second look came within ${target.look_timeout_s} s` : describeError(error);
    }
  }
  if (stopped.aborted) return null;
  if (seen_again && target?.looks === 'when_asked') {
    // Two looks within a second that see the same are two.
    seen_again = { ...seen_again, metadata: { ...seen_again.metadata, healing: healing.id } };
    await findings.record([seen_again], 'healing');
  }
  const passed = seen_again?.passed === true;
  const ended = await journal.move(healing, passed ? 'passed' : healing.last ? 'exhausted' : 'failed', {
    ended_s: now_s(),
    reason: reasonOf(healing, passed, why),
    ...(seen_again ? { seen_again } : {}),
  });
  if (passed && target?.looks === 'by_itself' && ended.finding_id !== null)
    await findings.settle(ended.finding_id, 'healing');
  return ended;
}

/** Puts the end on record. @throws what evidence and store throw; it is tried again later */
export async function tellEnd(
  healing: Healing,
  { evidence, journal }: Pick<PerformParts, 'evidence' | 'journal'>,
): Promise<void> {
  await evidence.append([endedEntry(healing)]);
  await journal.tell(healing.id);
}

/** In a sentence. */
function reasonOf({ claimed, output }: Healing, passed: boolean, why: string | null): string {
  const words =
    claimed === null
      ? 'the process ended while the action was under way'
      : claimed
        ? 'the action said that it succeeded'
        : `the action failed: ${output ?? ''}`;
  if (passed)
    return claimed === true
      ? 'the check passes after the action'
      : `the check passes after the action; ${words}`;
  return why === null ? `the check still fails; ${words}` : `there is no second look: ${why}; ${words}`;
}

function said(claimed: boolean, output: string, { now_s }: PerformParts) {
  return { acted_s: now_s(), claimed, output: output.slice(0, OUTPUT_MAX) };
}

async function openQuietly(healing: Healing, parts: PerformParts): Promise<OpenedTarget | null> {
  try {
    return await parts.open(healing);
  } catch {
    // What was begun is over all the same: without a second look it has not healed, and says so.
    return null;
  }
}

function limited(limit_s: number, stopped: AbortSignal): AbortSignal {
  return AbortSignal.any([stopped, AbortSignal.timeout(limit_s * 1000)]);
}

/** A target that does not heed its signal is not waited for. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const end = () => reject(signal.reason);
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', end));
}

async function pause(length_s: number, stopped: AbortSignal): Promise<void> {
  if (length_s === 0) return;
  await quietly(orAborted(Bun.sleep(length_s * 1000), stopped));
}

/** Waits, whatever comes of it: what follows looks for itself. */
async function quietly(work: Promise<unknown> | undefined): Promise<void> {
  await Promise.allSettled([work]);
}
