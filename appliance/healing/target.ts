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
