import { BulkheadError } from '../../base/errors.ts';
import { readSlotContent } from '../../health-gate/slot-facts.ts';
import { readJournal } from '../../health-gate/verdict-journal.ts';
import { type Conclusion, concludeUpdate } from '../../updater/conclude.ts';
import { loadTrustedKeys, storeDeviceKeyset } from '../../updater/signing/trusted-keys.ts';
import { appendHistory } from '../../updater/state/history.ts';
import { takeLock } from '../../updater/state/lock.ts';
import type { PastUpdate, PendingUpdate } from '../../updater/state/records.ts';
import { armSlot, requireState } from '../slots/operate.ts';
import { requireInstalled } from '../slots/slots-tools.ts';
import { readRejected, readRunningRelease } from './running-release.ts';
import { trialBoots } from './trial-boots.ts';
import type { UpdateTools } from './update-tools.ts';

export interface ConcludeReport {
  outcome: 'nothing' | 'waiting' | 'armed' | PastUpdate['outcome'];
  message: string;
  entry: PastUpdate | null;
}

/**
 * After the health gate has spoken: what became of the update that was on its way is written into the history, and a
 * release that was given up is remembered. Run on every boot; doing it twice is doing it once.
 *
 * @throws BulkheadError UPDATE_STATE_DAMAGED, UPDATE_STATE_UNWRITABLE, SLOTS_NEED_ROOT
 */
export async function concludePending(tools: UpdateTools): Promise<ConcludeReport> {
  const installed = await requireInstalled(tools.slots, 'update conclude');
  const reading = tools.pending.read();
  if (reading.condition === 'missing')
    return { outcome: 'nothing', message: 'no update was on its way', entry: null };
  if (reading.condition === 'damaged') {
    tools.pending.remove();
    throw new BulkheadError(
      'UPDATE_STATE_DAMAGED',
      `the record of the pending update was damaged: ${reading.message}`,
      {
        hint: 'it was removed; the boot state alone says what boots: bulkhead slots',
      },
    );
  }
  const release = takeLock(tools.paths.lock);
  try {
    const pending = reading.value;
    const { machine, target } = await readRunningRelease(tools, installed);
    const { verdicts } = await readJournal(tools.paths.verdictJournal);
    const conclusion = concludeUpdate({
      pending,
      running: machine.running,
      bootState: requireState(installed),
      verdicts,
      boots: trialBoots(tools.paths.bootLogs, pending),
      now: tools.slots.now(),
    });
    return await carryOut(tools, conclusion, pending, target.device);
  } finally {
    release();
  }
}

async function carryOut(
  tools: UpdateTools,
  conclusion: Conclusion,
  pending: PendingUpdate,
  targetDevice: string,
): Promise<ConcludeReport> {
  const { version, slot } = pending;
  if (conclusion.kind === 'waiting')
    return { outcome: 'waiting', message: `${version} in slot ${slot} is not decided yet`, entry: null };
  if (conclusion.kind === 'arm') {
    const content = await readSlotContent(targetDevice);
    if (content.kind !== 'image' || content.manifest.verity.root_hash !== pending.root_hash) {
      tools.pending.remove();
      return {
        outcome: 'nothing',
        message: `slot ${slot} no longer holds ${version}; forgotten`,
        entry: null,
      };
    }
    await armSlot(tools.slots, slot);
    return { outcome: 'armed', message: `${version} in slot ${slot} is tried on the next boot`, entry: null };
  }
  const { entry, rejected } = conclusion;
  // In this order a power cut repeats a line of the history, and never forgets what must not be tried again.
  if (rejected) reject(tools, rejected, entry);
  if (entry.outcome === 'succeeded') keepKeys(tools);
  appendHistory(tools.paths.history, entry);
  tools.pending.remove();
  return { outcome: entry.outcome, message: `${version}: ${entry.reason}`, entry };
}

/** What the committed image revokes stays revoked when an older one runs again. */
function keepKeys({ paths }: UpdateTools): void {
  const { keys } = loadTrustedKeys(paths.imageKeyset, paths.deviceKeyset);
  if (keys.chain.length > 0) storeDeviceKeyset(paths.deviceKeyset, keys);
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

/** More bad releases than any vendor publishes between two good ones. */
const REJECTED_KEEP = 50;
