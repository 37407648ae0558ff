import { BulkheadError, describeError } from '../../base/errors.ts';
import { readSlotContent } from '../../health-gate/slot-facts.ts';
import { readJournal } from '../../health-gate/verdict-journal.ts';
import { type Conclusion, concludeUpdate } from '../../updater/conclude.ts';
import { loadTrustedKeys, storeDeviceKeyset } from '../../updater/signing/trusted-keys.ts';
import { appendHistory } from '../../updater/state/history.ts';
import type { PastUpdate, PendingUpdate } from '../../updater/state/records.ts';
import { exclusively } from '../slots/exclusively.ts';
import { armSlot, disarmSlot, requireState } from '../slots/operate.ts';
import { type Installed, requireInstalled } from '../slots/slots-tools.ts';
import { REJECTED_KEEP } from './limits.ts';
import { failedEntry } from './record-failure.ts';
import { type RunningRelease, readRejected, readRunningRelease } from './running-release.ts';
import { trialBoots } from './trial-boots.ts';
import type { UpdateTools } from './update-tools.ts';

export interface ConcludeReport {
  outcome: 'nothing' | 'waiting' | 'armed' | PastUpdate['outcome'];
  message: string;
  entry: PastUpdate | null;
}

const NOTHING: ConcludeReport = { outcome: 'nothing', message: 'no update was on its way', entry: null };

/**
 * After the health gate has spoken: what became of the update that was on its way is written into the history, and a
 * release that was given up is remembered. Run on every boot, and by whatever changes slots before it does; doing it twice
 * is doing it once.
 *
 * @throws BulkheadError UPDATE_RUNNING, UPDATE_STATE_DAMAGED, UPDATE_STATE_UNWRITABLE, SLOTS_NEED_ROOT
 */
export async function concludePending(tools: UpdateTools): Promise<ConcludeReport> {
  await requireInstalled(tools.slots, 'update conclude');
  if (tools.pending.read().condition === 'missing') return NOTHING;
  return exclusively(tools.slots, 'update conclude', (installed) => concludeUnderLock(tools, installed));
}

/**
 * The same for somebody who holds the lock.
 *
 * @throws BulkheadError UPDATE_STATE_DAMAGED, UPDATE_STATE_UNWRITABLE and what arming throws
 */
export async function concludeUnderLock(tools: UpdateTools, installed: Installed): Promise<ConcludeReport> {
  const reading = tools.pending.read();
  if (reading.condition === 'missing') return NOTHING;
  const release = await readRunningRelease(tools, installed);
  if (reading.condition === 'damaged') return forgetDamaged(tools, release, reading.message);
  const pending = reading.value;
  const conclusion = concludeUpdate({
    pending,
    running: release.machine.running,
    bootState: requireState(installed),
    bootId: installed.reading.bootId,
    verdicts: (await readJournal(tools.paths.verdictJournal)).verdicts,
    boots: trialBoots(tools.paths.bootLogs, pending),
    now: tools.slots.now(),
  });
  if (conclusion.kind === 'waiting') {
    const message = `${pending.version} in slot ${pending.slot} is not decided yet`;
    return { outcome: 'waiting', message, entry: null };
  }
  return conclusion.kind === 'arm'
    ? arm(tools, installed, pending, release.target.device)
    : end(tools, installed, conclusion);
}

/** The boot state alone says what boots then; the history says why nobody can tell what became of the update. */
function forgetDamaged(tools: UpdateTools, release: RunningRelease, why: string): ConcludeReport {
  const error = new BulkheadError(
    'UPDATE_STATE_DAMAGED',
    `the record of the pending update was damaged and is removed: ${why}`,
    { hint: "'bulkhead slots' shows what boots next" },
  );
  const entry = failedEntry(release, error, tools.slots.now());
  appendHistory(tools.paths.history, entry);
  tools.pending.remove();
  return { outcome: 'failed', message: entry.reason, entry };
}

async function arm(
  tools: UpdateTools,
  installed: Installed,
  pending: PendingUpdate,
  device: string,
): Promise<ConcludeReport> {
  const { version, slot } = pending;
  const content = await readSlotContent(device);
  if (content.kind !== 'image' || content.manifest.verity.root_hash !== pending.root_hash) {
    tools.pending.remove();
    const message = `slot ${slot} no longer holds ${version}; forgotten`;
    return { outcome: 'nothing', message, entry: null };
  }
  tools.pending.write({ ...pending, boot_id: installed.reading.bootId });
  await armSlot(tools.slots, slot);
  return { outcome: 'armed', message: `${version} in slot ${slot} is tried on the next boot`, entry: null };
}

function end(
  tools: UpdateTools,
  installed: Installed,
  { entry, rejected, disarm }: Extract<Conclusion, { kind: 'ended' }>,
): ConcludeReport {
  // In this order a power cut repeats a line of the history, and never forgets what must not be tried again.
  if (disarm) disarmSlot(tools.slots, installed);
  if (rejected) reject(tools, rejected, entry);
  const problem = entry.outcome === 'succeeded' ? keepKeys(tools) : null;
  const told = problem === null ? entry : { ...entry, reason: `${entry.reason}; ${describeError(problem)}` };
  appendHistory(tools.paths.history, told);
  tools.pending.remove();
  return { outcome: told.outcome, message: `${told.version}: ${told.reason}`, entry: told };
}

/**
 * What the committed image revokes stays revoked when an older one runs again. Key sets of the device that cannot be read
 * stay as they are: they may revoke more than the image does, and somebody has to look at them.
 */
function keepKeys({ paths }: UpdateTools): BulkheadError | null {
  const { keys, problem } = loadTrustedKeys(paths.imageKeyset, paths.deviceKeyset);
  if (problem === null) storeDeviceKeyset(paths.deviceKeyset, keys);
  return problem;
}

function reject(
  tools: UpdateTools,
  { version, root_hash }: { version: string; root_hash: string },
  { at, reason }: PastUpdate,
): void {
  const known = readRejected(tools).filter((release) => release.root_hash !== root_hash);
  const releases = [...known, { version, root_hash, at, reason }].slice(-REJECTED_KEEP);
  tools.rejected.write({ format: 1, releases });
}
