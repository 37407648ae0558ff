import { existsSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { TRIAL_END_MS, TRIAL_LOOK_MS, TRIAL_TIMEOUT_MS } from './limits.ts';

/** A program that was started, as far as a trial needs it. */
export interface Child {
  readonly exited: Promise<number>;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

/** Starts a program; its environment carries `more` on top of this process's own. */
export type Start = (
  program: string,
  args: readonly string[],
  more: Readonly<Record<string, string>>,
) => Child;

/** What the program on trial is told: the file that it writes once the appliance has acknowledged a heartbeat of it. */
export const TRIAL_VARIABLE = 'BULKHEAD_SENSOR_TRIAL';

export type TrialVerdict =
  | { verdict: 'reported'; child: Child }
  | { verdict: 'ended'; code: number }
  | { verdict: 'silent' }
  /** We are being ended ourselves: that says nothing of the program. */
  | { verdict: 'aborted' };

export interface TrialParts {
  start: Start;
  program: string;
  args: readonly string[];
  /** The file that it writes. */
  mark: string;
  signal: AbortSignal;
  timeout_ms?: number;
}

/** Lets a program run until it has reported, ended, or been silent for too long. Unless it has reported, it is ended when this returns. */
export async function runTrial(parts: TrialParts): Promise<TrialVerdict> {
  const { start, program, args, mark, signal, timeout_ms = TRIAL_TIMEOUT_MS } = parts;
  rmSync(mark, { force: true });
  const child = start(program, args, { [TRIAL_VARIABLE]: mark });
  let code: number | null = null;
  void child.exited.then((ended) => {
    code = ended;
  });
  const until_ms = performance.now() + timeout_ms;
  while (performance.now() < until_ms) {
    await sleep(TRIAL_LOOK_MS);
    // First whether it lives: one that reports and dies has not passed.
    if (code !== null) return { verdict: 'ended', code };
    if (signal.aborted) {
      await endChild(child);
      return { verdict: 'aborted' };
    }
    if (existsSync(mark)) return { verdict: 'reported', child };
  }
  await endChild(child);
  return { verdict: 'silent' };
}

/** Asks a program to end, and ends it where it does not. */
export async function endChild(child: Child): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), TRIAL_END_MS);
  await child.exited;
  clearTimeout(timer);
}
