import { BulkheadError } from '../../base/errors.ts';
import { runOrThrow } from '../../base/run.ts';
import {
  describeWindow,
  isOpen,
  type MaintenanceWindow,
  nextOpening,
} from '../../updater/maintenance-window.ts';
import type { Config } from '../config/schema.ts';
import { requireInstalled } from '../slots/slots-tools.ts';
import type { UpdateTools } from './update-tools.ts';

/** The configured window in the configured time zone; null when the appliance may reboot at any time. */
export function configuredWindow(config: Config): MaintenanceWindow | null {
  const { window } = config.update;
  return window === null ? null : { ...window, zone: config.time.zone };
}

export interface RebootReport {
  rebooting: boolean;
  message: string;
}

/**
 * Reboots into an armed slot when that was wanted and the maintenance window, if there is one, is open. A clock
 * that was never set cannot say what time it is: then nothing reboots.
 *
 * @param clockTrusted the clock was synchronised, or no window depends on it
 */
export async function rebootWhenDue(
  tools: UpdateTools,
  window: MaintenanceWindow | null,
  clockTrusted: boolean,
): Promise<RebootReport> {
  const installed = await requireInstalled(tools.slots, 'update reboot-when-due');
  const pending = tools.pending.read();
  if (pending.condition !== 'ok' || pending.value.reboot === 'no')
    return { rebooting: false, message: 'no update waits for a reboot' };
  const { version, slot } = pending.value;
  if (installed.reading.bootState.state?.trial !== slot)
    return { rebooting: false, message: `${version} in slot ${slot} is not armed` };
  if (installed.running === slot) return { rebooting: false, message: `${version} is on trial now` };
  const now = tools.slots.now();
  if (window !== null && !clockTrusted)
    return { rebooting: false, message: `${version} waits: the clock was not synchronised yet` };
  if (window !== null && !isOpen(window, now)) {
    const opening = nextOpening(window, now);
    return {
      rebooting: false,
      message: `${version} waits for ${describeWindow(window)}: ${opening?.toISOString() ?? 'never'}`,
    };
  }
  await reboot(tools);
  return { rebooting: true, message: `rebooting into slot ${slot} for ${version}` };
}

/** @throws BulkheadError UPDATE_REBOOT_FAILED */
export async function reboot(tools: UpdateTools): Promise<void> {
  try {
    await runOrThrow(tools.slots.run, 'systemctl', ['reboot']);
  } catch (cause) {
    throw new BulkheadError('UPDATE_REBOOT_FAILED', 'the reboot could not be started', {
      cause,
      hint: 'the slot is armed: any reboot tries it',
    });
  }
}
