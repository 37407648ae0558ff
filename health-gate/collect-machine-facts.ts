import { BOOT_ATTEMPTS_MAX } from '../partitions/limits.ts';
import type { BootReading } from './boot-reading.ts';
import type { MachineFacts } from './machine-facts.ts';
import { describeSlots, readSlotContent } from './slot-facts.ts';
import { readWatchdog } from './watchdog.ts';

/** Reads what only root can, for the file that readMachineFacts() reads. */
export async function collectMachineFacts(
  reading: BootReading,
  sysFolder: string,
  now: Date,
): Promise<MachineFacts> {
  const { initrd, bootState, slot, commandLine, live } = reading;
  const contents = { A: await readSlotContent(initrd.slots.A), B: await readSlotContent(initrd.slots.B) };
  const running = { slot: slot.slot, mode: commandLine.mode };
  const { present, identity, timeout_s, active } = readWatchdog(sysFolder);
  return {
    collectedAt: now.toISOString(),
    bootState: bootState.state && { ...bootState.state, good: { ...bootState.state.good } },
    bootStateCondition: bootState.condition,
    slot: slot.slot,
    slotSource: slot.source,
    contradiction: slot.contradiction,
    attempt: commandLine.attempt,
    maxAttempts: BOOT_ATTEMPTS_MAX,
    mode: live ? 'live' : commandLine.mode,
    slots: live ? [] : describeSlots(contents, bootState.state, running),
    watchdog: { present, identity, timeout_s, active, armedEarly: initrd.watchdogArmed },
  };
}
