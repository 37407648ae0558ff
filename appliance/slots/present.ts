import { BulkheadError } from '../../base/errors.ts';
import { collectMachineFacts } from '../../health-gate/collect-machine-facts.ts';
import { type MachineFacts, readMachineFacts } from '../../health-gate/machine-facts.ts';
import { readApplianceBoot, type SlotsTools } from './slots-tools.ts';

/** The facts of `bulkhead slots`. */
export type SlotsFacts = Omit<MachineFacts, 'watchdog'>;

/**
 * Read now when root asks; for everybody else what the health gate last saw as root.
 *
 * @throws BulkheadError SLOTS_NOT_AN_APPLIANCE, SLOTS_NOT_KNOWN_YET
 */
export async function inspectSlots(tools: SlotsTools): Promise<SlotsFacts> {
  const reading = await readApplianceBoot(tools);
  const facts = tools.isRoot()
    ? await collectMachineFacts(reading, tools.paths.sysFolder, tools.now())
    : readMachineFacts(tools.paths.machineFactsFile);
  if (facts === null) {
    throw new BulkheadError('SLOTS_NOT_KNOWN_YET', 'the health gate has not looked at the slots yet', {
      hint: 'wait a minute, or look as root: sudo bulkhead slots',
    });
  }
  const { watchdog: _, ...slots } = facts;
  return slots;
}

/** For people. */
export function slotsText(facts: SlotsFacts): string {
  if (facts.mode === 'live') return 'this is the installation medium; it has no slots';
  const rows = facts.slots.map(({ slot, state, running, version, rootHash }) => [
    `${running ? '*' : ' '} ${slot}`,
    state,
    version ?? '-',
    rootHash === null ? '-' : rootHash.slice(0, 16),
  ]);
  return [
    ...table([['  slot', 'state', 'version', 'root hash'], ...rows]),
    '',
    runningLine(facts),
    stateLine(facts),
    ...(facts.contradiction === null ? [] : [`contradiction: ${facts.contradiction}`]),
  ].join('\n');
}

function runningLine({ slot, slotSource, mode, attempt, maxAttempts }: SlotsFacts): string {
  if (slot === null) return 'running: not known';
  // Beyond the attempts that a slot gets lies the rescue ring, which has no "of".
  const counted =
    attempt === null
      ? ''
      : attempt === 0
        ? ', not counted'
        : attempt > maxAttempts
          ? ''
          : `, attempt ${attempt} of ${maxAttempts}`;
  return `running: slot ${slot} (${slotSource}), ${mode ?? 'unknown'} boot${counted}`;
}

function stateLine({ bootState, bootStateCondition, maxAttempts }: SlotsFacts): string {
  if (bootState === null) return `next boot: a slot that is whole; the boot state is ${bootStateCondition}`;
  const { active, trial, attempts, failed } = bootState;
  const next =
    trial !== null && attempts < maxAttempts
      ? `slot ${trial} on trial, then slot ${active}`
      : `slot ${active}`;
  return `next boot: ${next}${failed === null ? '' : `; slot ${failed} was given up`}`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
