import { describeError } from '../../base/errors.ts';
import { BOOT_ATTEMPTS_MAX } from '../../partitions/limits.ts';
import { sinceBoot, type TrialBoot } from '../../updater/conclude.ts';
import type { PendingUpdate } from '../../updater/state/records.ts';
import { type BootLog, ENDING_WORDS } from '../boot-log/boot-log.ts';
import { readBootLogs } from '../boot-log/store.ts';

/**
 * The boots of a release on trial whose logs were kept, oldest first. Logs that cannot be read are said in place of one:
 * what became of an update is written down whether or not anybody knows why.
 *
 * @param folder of the kept logs
 */
export function trialBoots(folder: string, pending: PendingUpdate): TrialBoot[] {
  try {
    return sinceBoot(readBootLogs(folder), pending.boot_id)
      .filter((log) => isOfTrial(log, pending))
      .slice(-BOOT_ATTEMPTS_MAX)
      .map(({ attempt, ending, lines }) => ({ attempt, ending: ENDING_WORDS[ending], lines }));
  } catch (error) {
    return [{ attempt: null, ending: 'left a log that cannot be read', lines: [describeError(error)] }];
  }
}

/** A boot that ended before it knew its version still was of this slot's trial. */
function isOfTrial({ slot, mode, version }: BootLog, pending: PendingUpdate): boolean {
  return mode === 'trial' && slot === pending.slot && (version === null || version === pending.version);
}
