import { existsSync } from 'node:fs';
import type { MaintenanceWindow } from '../../updater/maintenance-window.ts';
import type { RebootWish } from '../../updater/state/records.ts';
import { loadConfig } from '../config/load.ts';
import { requireInstalled } from '../slots/slots-tools.ts';
import { configuredWindow, type RebootReport, reboot, rebootWhenDue } from './reboot-when-due.ts';
import type { UpdateTools } from './update-tools.ts';

/** Made by systemd-timesyncd once a time server has answered. */
const CLOCK_SYNCHRONISED_FILE = '/run/systemd/timesync/synchronized';

export async function rebootIfDue(tools: UpdateTools): Promise<RebootReport> {
  return rebootWhenDue(tools, configuredWindow(loadConfig().config), existsSync(CLOCK_SYNCHRONISED_FILE));
}

/** Right after an installation: at once, or when the window opens, which the timer sees to. */
export async function rebootNowIfWanted(
  tools: UpdateTools,
  window: MaintenanceWindow | null,
  wish: RebootWish,
): Promise<boolean> {
  if (wish === 'no') return false;
  if (window === null) {
    await reboot(tools);
    return true;
  }
  return (await rebootWhenDue(tools, window, existsSync(CLOCK_SYNCHRONISED_FILE))).rebooting;
}

/** @throws BulkheadError SLOTS_NEED_ROOT, UPDATE_STATE_UNWRITABLE */
export async function forgetRejected(tools: UpdateTools): Promise<{ message: string }> {
  await requireInstalled(tools.slots, 'update forget');
  tools.rejected.remove();
  return { message: 'no release is refused for having failed before' };
}
