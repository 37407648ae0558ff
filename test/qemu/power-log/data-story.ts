import { isDeepStrictEqual } from 'node:util';
import type { BootState } from '../../../partitions/boot-state.ts';
import type { Slot } from '../../../partitions/slot.ts';
import type { DataCheck } from './data-checks.ts';
import type { DataFacts } from './data-facts.ts';
import type { PowerFault, Prefix } from './power-judge.ts';

/** What the data file system has to be held against. */
export interface StoryContext {
  /** Of every entry of the log, in order. */
  prefixes: readonly Prefix[];
}

type Report = (way: PowerFault['way'], what: string) => void;

/**
 * Holds what the data file system says after each cut to the promises of update and health gate, and to what boot state and
 * slots say at the same moment. Pure.
 *
 * - the file system recovers, no file that is written as a whole is half there, the identity is the same
 * - a verdict, a line of the history, a checkpoint of a transfer that was there stays there
 * - the boot state puts a slot on trial only when the record of that update is on the medium, and commits one only when the
 *   verdict on it is: with everything lost that was not flushed when the sector was written
 * - an update that was armed has its record until the history says how it ended
 *
 * @param checks by number; the first is the disk before the log
 */
export function judgeStory(checks: readonly DataCheck[], context: StoryContext): PowerFault[] {
  const [base] = checks;
  if (!base) return [];
  const faults: PowerFault[] = [];
  const whole = checks.filter(({ lost }) => lost === '');
  const wholeBefore = (number: number) => whole.findLast((check) => check.number < number) ?? base;
  for (const check of checks) {
    const { number, lost, flush } = check;
    const report: Report = (_, what) =>
      faults.push(
        lost === ''
          ? { entry: number, way: 'prefix', what }
          : { entry: number, way: 'subset', what: `${lost} lost: ${what}` },
      );
    judgeAlone(check.facts, base.facts, report);
    // A state with losses has what its last flush made sure of; a prefix has what every earlier one had.
    if (check !== base) judgeKept(check, wholeBefore(lost === '' ? number : flush).facts, context, report);
  }
  const factsAt = new Map(whole.map(({ number, facts }) => [number, facts]));
  let before: BootState | undefined;
  let armed: Slot | null = null;
  for (const prefix of context.prefixes) {
    const { number, place, state, flush } = prefix;
    const report: Report = (way, what) => faults.push({ entry: number, way, what });
    if (place === 'state' && state && before) {
      // The sector may be on the medium before everything else that was not flushed with it.
      judgeStep(before, state, wholeBefore(flush).facts, base.facts, report);
      if (state.trial !== null) armed = state.trial;
    }
    before = state ?? before;
    const facts = factsAt.get(number);
    if (facts && armed) judgeRecord(armed, state, facts, base.facts, report);
  }
  return faults;
}

function judgeAlone(facts: DataFacts, base: DataFacts, report: Report): void {
  // `e2fsck -y` makes a file system of anything; what that took away nobody knows.
  if (facts.fsck > 1 || facts.repaired === 'guessed')
    report('prefix', `the data file system does not recover: ${facts.words}`);
  for (const file of facts.damaged) report('prefix', `half a file is left: ${file}`);
  if (!isDeepStrictEqual(facts.identity, base.identity)) report('prefix', 'the identity is another');
}

function judgeKept(check: DataCheck, before: DataFacts, context: StoryContext, report: Report): void {
  const { facts } = check;
  const verdicts = new Set(facts.verdicts.map(({ id }) => id));
  if (before.verdicts.some(({ id }) => !verdicts.has(id)))
    report('prefix', 'a verdict is gone that was in the journal');
  const lines = new Set(facts.history.map((entry) => JSON.stringify(entry)));
  if (before.history.some((entry) => !lines.has(JSON.stringify(entry))))
    report('prefix', 'a line of the history is gone');
  judgeTransfer(check, before, context, report);
}

function judgeTransfer(
  { facts, flush }: DataCheck,
  before: DataFacts,
  { prefixes }: StoryContext,
  report: Report,
): void {
  // What is on the medium for sure: nothing before the first flush is known to be.
  const durable = prefixes[flush];
  const slotOf = (record: DataFacts['transfer']) => record?.head.slot ?? 'A';
  const [had, has] = [before.transfer?.checkpoints.length ?? 0, facts.transfer?.checkpoints.length ?? 0];
  const another = facts.transfer && !isDeepStrictEqual(facts.transfer.head, before.transfer?.head);
  if (has < had && !another) {
    // As a whole it goes when the slot is whole.
    const finished = durable?.slots[slotOf(before.transfer)].complete !== undefined;
    if (facts.transferFile === 'there' || !finished)
      report(
        'prefix',
        `${had - has} of ${had} checkpoints of the transfer are gone, and the slot is not whole`,
      );
  }
}

function judgeStep(
  before: BootState,
  state: BootState,
  durable: DataFacts,
  base: DataFacts,
  report: Report,
): void {
  if (state.trial !== null && state.trial !== before.trial && durable.pending?.slot !== state.trial)
    report('subset', `slot ${state.trial} is on trial without a record of the update`);
  if (state.active === before.active) return;
  const known = new Set(base.verdicts.map(({ id }) => id));
  const verdict = durable.verdicts.find(
    ({ id, slot, action }) => slot === state.active && action === 'commit' && !known.has(id),
  );
  if (!verdict) report('subset', `slot ${state.active} is committed without a verdict on it`);
}

function judgeRecord(
  armed: Slot,
  state: BootState | undefined,
  facts: DataFacts,
  base: DataFacts,
  report: Report,
): void {
  if (facts.pending) return;
  if (state?.trial === armed)
    report('prefix', `slot ${armed} is on trial, and the record of the update is gone`);
  else if (facts.history.length <= base.history.length)
    report('prefix', 'the record of the update is gone, and the history says nothing of it');
}
