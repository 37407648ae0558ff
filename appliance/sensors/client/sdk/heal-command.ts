import { describeError } from '../../../../base/errors.ts';
import {
  type ActionName,
  type ActionParams,
  actionFacts,
  checkAction,
  type Platform,
} from '../../../../protocol/healing/actions.ts';
import { type CapabilityTier, tierAllows } from '../../../../protocol/healing/tier.ts';
import type { HealCommand } from '../../commands/commands.ts';
import type { HealJournal, HealResult } from './heal-journal.ts';
import { OUTPUT_MAX_CHARACTERS } from './limits.ts';
import { shorten } from './reading.ts';
import type { SensorStore } from './sensor-store.ts';

/** What a sensor can do of the closed list of its platform. Whether it helped is for the next check to say. */
export interface SensorActions {
  platform: Exclude<Platform, 'appliance'>;
  /** Does it, and gives what there is to say about it; throws what went wrong. What is not here is refused. */
  act: Readonly<Partial<Record<ActionName, SensorAction>>>;
}

export type SensorAction = (params: ActionParams, signal: AbortSignal) => Promise<string>;

/**
 * Whether a command is carried out, and by what. Pure.
 *
 * @returns `refused`: why not, in words for the appliance
 */
export function admitCommand(
  { action, params }: Pick<HealCommand, 'action' | 'params'>,
  tier: CapabilityTier,
  { platform, act }: SensorActions,
): { run: (signal: AbortSignal) => Promise<string> } | { refused: string } {
  if (tier === 'monitor_only') return { refused: 'this sensor only watches: its tier is monitor_only' };
  let checked: ReturnType<typeof checkAction>;
  try {
    checked = checkAction(action, platform, params);
  } catch (error) {
    return { refused: describeError(error) };
  }
  const needed = actionFacts(checked.action).tier;
  if (!tierAllows(tier, needed))
    return { refused: `${checked.action} needs the tier ${needed}; that of this sensor is ${tier}` };
  const run = act[checked.action];
  if (run === undefined) return { refused: `${checked.action} is not something that this sensor does` };
  return { run: (signal) => run(checked.params, signal) };
}

export interface HealerParts {
  store: SensorStore;
  journal: HealJournal;
  actions: SensorActions;
  tier: () => CapabilityTier;
  /** Unix seconds. */
  now_s: () => number;
  /** Told after each command that was carried out, whatever came of it: the check is looked at again. */
  acted: (command: HealCommand, success: boolean) => void;
}

/** Carries out commands, one after the other, each at most once in its life. */
export class Healer {
  readonly #parts: HealerParts;
  #last: Promise<void> = Promise.resolve();
  readonly #stopped = new AbortController();

  constructor(parts: HealerParts) {
    this.#parts = parts;
  }

  /** Takes a command; its result is in the journal when it has ended. Ends when all that came before have ended, too. */
  take(command: HealCommand): Promise<void> {
    this.#last = this.#last.then(() => this.#carryOut(command));
    return this.#last;
  }

  /** Ends what is under way; resolves when nothing is. */
  async stop(): Promise<void> {
    this.#stopped.abort(new Error('the sensor is being ended'));
    await this.#last;
  }

  async #carryOut(command: HealCommand): Promise<void> {
    const { journal, store, now_s, actions, tier, acted } = this.#parts;
    // Handed out once more when the sensor runs again.
    if (this.#stopped.signal.aborted) return;
    if (!journal.begin(command, now_s())) return journal.tellAgain(command.command_id);
    const end = (result: Pick<HealResult, 'success' | 'error_message' | 'artifacts'>) =>
      journal.end({
        ...result,
        command_id: command.command_id,
        check_type: command.check_type,
        at_s: now_s(),
      });
    const admitted = admitCommand(command, tier(), actions);
    if ('refused' in admitted) {
      end({ success: false, error_message: admitted.refused, artifacts: { refused: 'true' } });
      return;
    }
    if (store.memoryOnly() !== null) {
      const why = `nothing is carried out while it cannot be written down, so that it is not done twice: ${store.memoryOnly()}`;
      end({ success: false, error_message: shorten(why), artifacts: { refused: 'true' } });
      return;
    }
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(command.timeout_s * 1000)]);
    let success = false;
    try {
      const output = await admitted.run(signal);
      success = true;
      end({ success, error_message: '', artifacts: { output: shorten(output, OUTPUT_MAX_CHARACTERS) } });
    } catch (error) {
      const why = signal.aborted ? describeError(signal.reason) : describeError(error);
      end({ success, error_message: shorten(why), artifacts: {} });
    }
    acted(command, success);
  }
}
