import type { Detection } from '../findings/detection.ts';
import type { ActionName, ActionParams, Platform } from './actions.ts';

/** A machine that can be looked at and acted on. */
export interface HealingTarget {
  readonly name: string;
  readonly platform: Platform;
  /** Looks now. */
  detect(check_type: string, signal: AbortSignal): Promise<Detection>;
  /** Carries out one action of the closed list. What it says is not believed: only `detect` is. */
  act(
    action: ActionName,
    params: ActionParams,
    signal: AbortSignal,
  ): Promise<{ claimed: boolean; output: string }>;
  close(): Promise<void>;
}

/** A target for one healing: what differs between machines that are asked and machines that tell by themselves. */
export interface OpenedTarget extends HealingTarget {
  /** Who recorded the detection that `detect` gives: `detect` has made it, or the machine has sent it and it is recorded already. */
  readonly looks: 'when_asked' | 'by_itself';
  /** How long a second look may take to come. */
  readonly look_timeout_s: number;
  /** Waits until an action that was under way when a process before this one ended cannot be going on any more. */
  settled(signal: AbortSignal): Promise<void>;
}
