import { type CommandResult, type Run, type RunOptions, runOrThrow } from '../../base/run.ts';
import type { KernelRoots } from '../../partitions/disks.ts';
import type { OpenBlockDevice } from './block-device.ts';
import type { Emit } from './events.ts';
import { TOOL_TIMEOUT_MS } from './limits.ts';

/** Everything the installer does to the world goes through here. */
export interface InstallEffects {
  run: Run;
  open: OpenBlockDevice;
  emit: Emit;
  /** Milliseconds that only move forward. */
  clock_ms(): number;
  /** Time of day, for the record; may be wrong on a machine with a dead clock battery. */
  now(): Date;
  randomUuid(): string;
  kernel: KernelRoots;
  /** Scratch folder in memory; made when needed. */
  workFolder: string;
}

/**
 * Runs a tool to its end, with the deadline of one that writes tables and small files unless told otherwise.
 *
 * @throws BulkheadError COMMAND_NOT_FOUND, COMMAND_TIMEOUT; a non-zero exit code is returned
 */
export function tryTool(
  effects: Pick<InstallEffects, 'run'>,
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<CommandResult> {
  return effects.run(program, args, { timeout_ms: TOOL_TIMEOUT_MS, ...options });
}

/**
 * Like `tryTool`, but a non-zero exit is an error with the tool's own words.
 *
 * @throws BulkheadError COMMAND_FAILED, COMMAND_NOT_FOUND, COMMAND_TIMEOUT
 */
export function tool(
  effects: Pick<InstallEffects, 'run'>,
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const runner: Run = (name, words, more) => tryTool(effects, name, words, more);
  return runOrThrow(runner, program, args, options);
}

export function sleep(delay_ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delay_ms));
}
