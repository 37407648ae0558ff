import { removeDeviceKeyset } from '../../updater/signing/trusted-keys.ts';
import { exclusively } from '../slots/exclusively.ts';
import { rebootRule, rebootWish } from './reboot-rule.ts';
import { reboot, rebootNowIfWanted } from './reboot-when-due.ts';
import { type RollbackReport, rollBackUpdate } from './roll-back.ts';
import type { UpdateTools } from './update-tools.ts';

/**
 * `bulkhead update rollback`. Out of a trial it is left at once where a reboot was asked for: the boots of a trial that is
 * given up wait for no window, because they are what brings the appliance back.
 *
 * @throws BulkheadError of rollBackUpdate, UPDATE_REBOOT_FAILED
 */
export async function rollBackCommand(
  tools: UpdateTools,
  wanted: boolean,
): Promise<RollbackReport & { rebooting: boolean }> {
  const wish = rebootWish(wanted, rebootRule(tools.config()));
  const report = await rollBackUpdate(tools, wish);
  if (!wanted) {
    const also = report.gaveUp ? '; reboot now: nothing can be installed before' : '';
    return { ...report, rebooting: false, message: `${report.message}${also}` };
  }
  if (report.gaveUp) {
    await reboot(tools);
    return { ...report, rebooting: true, message: `${report.message}; rebooting now` };
  }
  const { rebooting, message } = await rebootNowIfWanted(tools, wish);
  return { ...report, rebooting, message: `${report.message}; ${message}` };
}

/**
 * `bulkhead update forget`: which releases failed before, or, instead, which key sets came with releases.
 *
 * @throws BulkheadError SLOTS_NEED_ROOT, UPDATE_RUNNING, UPDATE_STATE_UNWRITABLE, KEYS_STORE_FAILED
 */
export async function forgetUpdates(tools: UpdateTools, keys: boolean): Promise<{ message: string }> {
  return exclusively(tools.slots, 'update forget', async () => {
    if (keys) {
      removeDeviceKeyset(tools.paths.deviceKeyset);
      return {
        message: 'the key sets of the image count again; what was revoked after it was built does not',
      };
    }
    tools.rejected.remove();
    return { message: 'no release is refused for having failed before' };
  });
}
