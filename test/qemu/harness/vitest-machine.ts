import { onTestFinished } from 'vitest';
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
  // Not by onTestFailed: vitest calls that only after every onTestFinished, when the logs are gone already.
  onTestFinished(async ({ task }) => {
    if (task.result?.state === 'fail') machine.keepLogs();
    await machine.stop();
  });
  return machine;
}
