import { onTestFailed, onTestFinished } from 'vitest';
import type { Machine } from './machine.ts';
import type { MachineOptions } from './options.ts';
import type { SavedMachine } from './saved-machine.ts';
import { restoreMachine, startMachine } from './start-machine.ts';

/** A machine for the test that calls this: off when the test ends, its logs kept when the test fails. */
export async function machineForTest(options: MachineOptions): Promise<Machine> {
  return forTest(await startMachine(options));
}

/** The same for a saved machine. */
export async function restoredMachineForTest(
  saved: SavedMachine,
  changes: Parameters<typeof restoreMachine>[1],
): Promise<Machine> {
  return forTest(await restoreMachine(saved, changes));
}

function forTest(machine: Machine): Machine {
  onTestFailed(() => machine.keepLogs());
  onTestFinished(() => machine.stop());
  return machine;
}
