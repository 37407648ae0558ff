import { BulkheadError, describeError } from '../base/errors.ts';
import { commitBoot, recoveredState, wasGivenUp } from '../partitions/boot-machine-linux.ts';
import { type BootState, sameBootState } from '../partitions/boot-state.ts';
import type { Slot } from '../partitions/slot.ts';
import { type BootReading, bootFacts } from './boot-reading.ts';
import type { Check, CheckContext } from './check.ts';
import { collectMachineFacts } from './collect-machine-facts.ts';
import type { GateEffects } from './gate-effects.ts';
import { runChecks } from './run-checks.ts';
import { mayRestartUncounted, stateAfterFailedBoot } from './uncounted-boot.ts';
import { type Decision, decideVerdict, observeVerdict } from './verdict.ts';
import { nextVerdictId } from './verdict-journal.ts';
import type { CheckResult, Verdict } from './verdict-schema.ts';

export interface GateSetup {
  reading: BootReading;
  context: CheckContext;
  checks: readonly Check[];
  effects: GateEffects;
  /** For all checks together, in milliseconds. */
  deadline_ms: number;
  /** Of the image that runs. */
  version: string;
  /** For the console: what must be said before the machine goes down. */
  log(line: string): void;
}

export interface GateResult {
  verdict: Verdict;
  /** True only after the boot state was written and read back. */
  committed: boolean;
  /** What went wrong beside the verdict: mirrors, the files in /run, the length of the journal. */
  warnings: string[];
}

/**
 * Judges this boot and acts on it. The order is the safety of it:
 *
 * 1. the checks; nothing is changed meanwhile, and nothing is cleared first
 * 2. the verdict, durably in the journal and read back
 * 3. only then the boot state, written and read back: from here on the boot is committed
 * 4. the files in /run and the mirrors, which nothing depends on
 * 5. or, where the verdict asks for it, the reboot
 *
 * A power cut between 2 and 3 leaves a recorded verdict and an attempt that is still counted: the next boot is judged
 * again. A step of 2 or 3 that fails is a failing check of its own; the boot is then not claimed to be committed.
 * A slot that an operator gave up meanwhile is not committed, and nothing reboots because of it. A failed boot that
 * nobody could count is not started again for ever: see uncounted-boot.ts.
 */
export async function verifyBoot(setup: GateSetup): Promise<GateResult> {
  const { effects } = setup;
  const warnings: string[] = [];
  const attempt = attempter(warnings);
  await attempt('publishing the machine facts', () => publishFacts(setup));

  const checks = await runChecks(setup.checks, setup.context, setup.deadline_ms);
  let verdict = await recordedVerdict(setup, checks);
  let committed = false;
  if (verdict.action === 'commit') {
    try {
      committed = await commit(setup);
      // Given up while the verdict was written: what is recorded last has to say so.
      if (!committed) verdict = await recordedVerdict(setup, checks);
    } catch (error) {
      verdict = await recordedVerdict(setup, [...verdict.checks, failedStep('commit', error)]);
    }
  }
  if (verdict.action === 'reboot') {
    let counted = false;
    await attempt('counting the failed boot', async () => {
      counted = await countFailedBoot(setup);
    });
    if (!counted && !(await mayRestart(setup)))
      verdict = await recordedVerdict(setup, verdict.checks, staying);
  }
  if (verdict.action === 'reboot') {
    await attempt('publishing the verdict', () => effects.publishHealth(verdict));
    for (const line of [...warnings, `this boot is unhealthy: ${verdict.reason}`]) setup.log(line);
    // Nothing more from a disk that may be what has failed: it could hang and keep the machine up.
    await effects.reboot();
    return { verdict, committed, warnings };
  }
  await attempt('publishing the verdict', () => effects.publishHealth(verdict));
  await attempt('publishing the machine facts', () => publishFacts(setup));
  if (committed) {
    await attempt('writing the mirrors of the boot state', async () => {
      const { state } = effects.readBootState();
      if (state !== null) effects.writeMirrors(state);
    });
    await attempt('shortening the journal', () => effects.compactJournal());
  }
  return { verdict, committed, warnings };
}

/**
 * The same checks, judged the same; refreshes the files in /run, and neither records, commits nor reboots. Before the
 * boot was verified nothing is published as its health: a boot that merely looks well is not committed yet.
 */
export async function observeBoot(setup: GateSetup): Promise<GateResult> {
  const { effects, reading, context } = setup;
  const warnings: string[] = [];
  const attempt = attempter(warnings);
  const checks = await runChecks(setup.checks, context, setup.deadline_ms);
  const id = `${reading.bootId}-${context.now().getTime()}`;
  const verdict = makeVerdict(setup, id, checks, observeVerdict(checks, bootFacts(reading)));
  await attempt('publishing the verdict', async () => {
    const judged = await effects.readHealth();
    if (judged?.bootId === reading.bootId) await effects.publishHealth(verdict);
  });
  await attempt('publishing the machine facts', () => publishFacts(setup));
  return { verdict, committed: false, warnings };
}

/**
 * Decides and records. Where recording fails, that is one more failing check, and decided again without a record.
 *
 * @param change what is to be otherwise than the rule decides
 */
async function recordedVerdict(
  setup: GateSetup,
  checks: readonly CheckResult[],
  change = (decision: Decision) => decision,
): Promise<Verdict> {
  const { effects, reading } = setup;
  const decision = change(decide(setup, checks));
  let id = nextVerdictId(reading.bootId, []);
  try {
    id = nextVerdictId(reading.bootId, await effects.readVerdicts());
    const verdict = makeVerdict(setup, id, checks, decision);
    // A live boot has no data partition; what it would record goes with the memory it is in.
    if (!reading.live) await effects.recordVerdict(verdict);
    return verdict;
  } catch (error) {
    const all = [...checks, failedStep('verdict-journal', error)];
    return makeVerdict(setup, id, all, change(decideVerdict(all, bootFacts(reading))));
  }
}

/** No restart, for a boot whose failure cannot be counted. */
function staying(decision: Decision): Decision {
  const reason = `${decision.reason}; this boot cannot be counted and would be repeated for ever, so the machine stays up`;
  return { ...decision, action: 'stay', reason };
}

/** Whether a failed boot that nobody counted is started again. A journal that cannot be read bounds nothing: it is not. */
async function mayRestart({ effects, reading }: GateSetup): Promise<boolean> {
  try {
    return mayRestartUncounted(await effects.readVerdicts(), reading.bootId);
  } catch {
    return false;
  }
}

/**
 * The decision; where it is to commit, taken again by the boot state as it is now, for an operator may have gone back
 * from this slot since the boot. Not asked otherwise: a failing boot reads nothing more from a disk that may hang.
 */
function decide({ effects, reading }: GateSetup, checks: readonly CheckResult[]): Decision {
  const decision = decideVerdict(checks, bootFacts(reading));
  if (decision.action !== 'commit') return decision;
  return decideVerdict(checks, bootFacts({ ...reading, bootState: effects.readBootState() }));
}

/** False, and nothing written, where an operator gave this slot up since it was decided. */
async function commit({ effects, reading }: GateSetup): Promise<boolean> {
  const running = requireSlot(reading);
  const { state, condition } = effects.readBootState();
  // Not known is not the same as damaged: what cannot be read now may still be whole, and must not be replaced.
  if (condition === 'unreadable') {
    throw new BulkheadError('GATE_BOOT_STATE_UNREADABLE', 'the boot state cannot be read from the ESP');
  }
  if (wasGivenUp(state?.failed ?? null, running, bootFacts(reading).mode)) return false;
  const next = state === null ? recoveredState(running, true) : commitBoot(state, running);
  await writeAndCompare(effects, next);
  return true;
}

/** Asks anew what is there, independently of what the writer says of its own work. */
async function writeAndCompare(effects: GateEffects, state: BootState): Promise<void> {
  await effects.writeBootState(state);
  const found = effects.readBootState();
  if (found.state !== null && sameBootState(found.state, state)) return;
  throw new BulkheadError(
    'GATE_COMMIT_READ_BACK',
    `the boot state was written but reads back as something else (${found.condition})`,
    { hint: 'the disk is failing' },
  );
}

/**
 * By what was read at the start, so that in the ordinary case (counted by the loader) no disk is touched.
 *
 * @returns whether this boot is counted, by whomever
 */
async function countFailedBoot({ effects, reading }: GateSetup): Promise<boolean> {
  const byLoader = reading.commandLine.attempt !== 0;
  if (reading.bootState.condition === 'unreadable') return byLoader;
  const slot = requireSlot(reading);
  const next = stateAfterFailedBoot(reading.bootState.state, { ...bootFacts(reading), slot });
  if (next !== null) await writeAndCompare(effects, next);
  return byLoader || next !== null;
}

function requireSlot({ slot }: BootReading): Slot {
  if (slot.slot !== null) return slot.slot;
  throw new BulkheadError('GATE_SLOT_UNKNOWN', 'the running slot is not known, so no boot state is written');
}

/** Reads everything anew: a commit has changed what there is to show. */
async function publishFacts({ effects, reading, context }: GateSetup): Promise<void> {
  const fresh = { ...reading, bootState: effects.readBootState() };
  const facts = await collectMachineFacts(fresh, context.paths.sysFolder, context.now());
  await effects.publishMachineFacts(facts);
}

function makeVerdict(
  { reading, context, version }: GateSetup,
  id: string,
  checks: readonly CheckResult[],
  decision: Decision,
): Verdict {
  return {
    id,
    bootId: reading.bootId,
    at: context.now().toISOString(),
    slot: reading.slot.slot,
    version,
    attempt: reading.commandLine.attempt,
    ...decision,
    checks: [...checks],
  };
}

function failedStep(name: string, error: unknown): CheckResult {
  return { name, decisive: true, outcome: 'fail', message: describeError(error), duration_ms: 0 };
}

/** For steps that nothing depends on: what goes wrong is reported and does not stop the gate. */
function attempter(warnings: string[]) {
  return async (what: string, step: () => Promise<void>): Promise<void> => {
    try {
      await step();
    } catch (error) {
      warnings.push(`${what} failed: ${describeError(error)}`);
    }
  };
}
