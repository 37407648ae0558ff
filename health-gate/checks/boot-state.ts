import { type Check, failed, passed, skipped } from '../check.ts';
import { CHECK_TIMEOUT_MS } from '../limits.ts';

/**
 * The boot state can be read, or is damaged in a way that committing repairs. A state that can be neither read nor
 * repaired would make the commit a lie.
 */
export const bootState: Check = {
  name: 'boot-state',
  decisive: true,
  timeout_ms: () => CHECK_TIMEOUT_MS,
  async find(context) {
    if (context.live) return skipped('a live boot has no boot state');
    if (context.slot.slot === null)
      return failed('the running slot is not known, so nothing can be committed');
    const { condition, state } = context.bootState;
    if (state !== null) {
      const trial = state.trial === null ? '' : `, slot ${state.trial} on trial`;
      return passed(
        `slot ${state.active} is active${trial}, attempts since the last commit: ${state.attempts}`,
      );
    }
    if (condition === 'unreadable') return failed('the boot state cannot be read from the ESP');
    return passed(`the boot state is ${condition} and is written anew when this boot is committed`);
  },
};
