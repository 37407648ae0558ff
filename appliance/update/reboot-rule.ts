import { BulkheadError } from '../../base/errors.ts';
import type { MaintenanceWindow } from '../../updater/maintenance-window.ts';
import type { RebootWish } from '../../updater/state/records.ts';
import type { LoadedConfig } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';

/** When the appliance may reboot for an update: at any time (null), in a window, or, while that cannot be told, not at all. */
export type RebootRule = { window: MaintenanceWindow | null } | { unknown: BulkheadError };

/**
 * The configured window in the configured time zone. Where the device's own configuration is refused, what it says about
 * windows is not known, and a mistake in another line of it must not lift them.
 */
export function rebootRule(loaded: LoadedConfig): RebootRule {
  const refusal = deviceConfigRefused(loaded);
  if (refusal) return { unknown: refusal };
  const { window } = loaded.config.update;
  return { window: window === null ? null : { ...window, zone: loaded.config.time.zone } };
}

/**
 * What is recorded about an update for which a reboot was or was not asked. Pure.
 *
 * @param at_once whoever asks says that no window counts
 */
export function rebootWish(wanted: boolean, rule: RebootRule, at_once = false): RebootWish {
  if (!wanted) return 'no';
  if (at_once) return 'now';
  return 'window' in rule && rule.window === null ? 'now' : 'window';
}

/**
 * An update by defaults would fetch without the cap and the limit that the operator has set: that is for the operator to say.
 *
 * @param limited limits were given with the command
 * @throws BulkheadError UPDATE_CONFIG_REFUSED
 */
export function requireKnownLimits(loaded: LoadedConfig, limited: boolean): void {
  const refusal = deviceConfigRefused(loaded);
  if (refusal && !limited) throw refusal;
}

/** The image's layer does not count: only an update can repair it. */
function deviceConfigRefused({ refused, problems }: LoadedConfig): BulkheadError | null {
  if (!refused.includes('device')) return null;
  // The layers stand in their order, so that of the device has the last word.
  const problem = problems.findLast(({ severity }) => severity === 'error');
  return new BulkheadError(
    'UPDATE_CONFIG_REFUSED',
    'the configuration of this appliance has a mistake, so its limits and its maintenance window for updates are not known',
    {
      ...(problem ? { cause: formatProblem(problem) } : {}),
      hint: 'repair it: bulkhead config; or say what may be fetched: --max-fetch, --limit-rate',
    },
  );
}
