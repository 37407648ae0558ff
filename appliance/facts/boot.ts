import type { MachineFacts } from '../../health-gate/machine-facts.ts';
import { readInitrdReport } from '../../partitions/initrd-report.ts';
import { BOOT_ATTEMPTS_MAX } from '../../partitions/limits.ts';
import { parseBootCommandLine } from '../../partitions/slot-detection.ts';
import type { Status } from '../../status-page/status.ts';
import type { FactPaths } from './fact-context.ts';
import { readLine } from './fact-files.ts';

export type BootStatus = Status['boot'];

/** How this boot came about, as far as an unprivileged reader sees it. */
export interface OwnBootView {
  bootId: string;
  /** As in /proc/cmdline. */
  commandLine: string;
  /** The initrd says that this is the installation medium. */
  live: boolean;
}

export function readOwnBootView(paths: FactPaths): OwnBootView {
  return {
    bootId: readLine(`${paths.proc}/sys/kernel/random/boot_id`) ?? '',
    commandLine: readLine(`${paths.proc}/cmdline`) ?? '',
    live: readInitrdReport(paths.initrdReportFile).live,
  };
}

/**
 * The boot as the page shows it. What the gate found as root wins, because it also saw the boot state and the mounted
 * device; until it has written, the command line alone speaks and the boot state counts as unreadable, which to this
 * reader it is.
 */
export function describeBoot(own: OwnBootView, machine: MachineFacts | null): BootStatus {
  const said = parseBootCommandLine(own.commandLine);
  const live = own.live || /(^|\s)bulkhead\.live=1(\s|$)/.test(own.commandLine);
  const mode = live ? 'live' : (machine?.mode ?? said.mode ?? 'normal');
  if (machine) {
    const { slot, slotSource, contradiction, attempt, maxAttempts, bootStateCondition } = machine;
    return {
      bootId: own.bootId,
      slot,
      slotSource,
      contradiction,
      attempt,
      maxAttempts,
      mode,
      stateFile: bootStateCondition,
    };
  }
  return {
    bootId: own.bootId,
    slot: said.slot,
    slotSource: said.slot === null ? null : 'command-line',
    contradiction: null,
    attempt: said.attempt,
    maxAttempts: BOOT_ATTEMPTS_MAX,
    mode,
    stateFile: 'unreadable',
  };
}
