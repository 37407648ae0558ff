import { existsSync } from 'node:fs';
import { BulkheadError, describeError } from '../../base/errors.ts';
import { runOrThrow } from '../../base/run.ts';
import { describeWindow, isOpen, nextOpening } from '../../updater/maintenance-window.ts';
import type { RebootWish } from '../../updater/state/records.ts';
import { requireInstalled } from '../slots/slots-tools.ts';
import { type RebootRule, rebootRule } from './reboot-rule.ts';
import type { UpdateTools } from './update-tools.ts';

export interface RebootReport {
  rebooting: boolean;
  message: string;
}

/**
 * Reboots into an armed slot when that was wanted and the maintenance window, if there is one, is open or was set aside. A clock
 * that was never set cannot say what time it is: then nothing reboots. Only the boot that armed a slot reboots for it: if
 * the loader has passed the slot over since, it would do so again, and the appliance would reboot for ever.
 *
 * @throws BulkheadError SLOTS_NEED_ROOT, UPDATE_REBOOT_FAILED
 */
export async function rebootWhenDue(tools: UpdateTools): Promise<RebootReport> {
  const stays = (message: string): RebootReport => ({ rebooting: false, message });
  const { reading, running } = await requireInstalled(tools.slots, 'update reboot-when-due');
  const pending = tools.pending.read();
  if (pending.condition !== 'ok' || pending.value.reboot === 'no')
    return stays('no update waits for a reboot');
  const { version, slot, boot_id, at_once } = pending.value;
  if (reading.bootState.state?.trial !== slot) return stays(`${version} in slot ${slot} is not armed`);
  if (running === slot) return stays(`${version} is on trial now`);
  if (boot_id !== undefined && boot_id !== reading.bootId)
    return stays(`${version} was armed in an earlier boot and the boot loader passed it over`);
  const wait = at_once ? null : reasonToWait(tools, rebootRule(tools.config()));
  if (wait !== null) return stays(`${version} waits${wait}`);
  await reboot(tools);
  return { rebooting: true, message: `rebooting into slot ${slot} for ${version}` };
}

/** Right after an installation: at once, or when the window opens, which the timer sees to. */
export async function rebootNowIfWanted(tools: UpdateTools, wish: RebootWish): Promise<RebootReport> {
  if (wish === 'no') return { rebooting: false, message: 'it is tried on the next boot' };
  return rebootWhenDue(tools);
}

/** To go on after "it waits". */
function reasonToWait(tools: UpdateTools, rule: RebootRule): string | null {
  if ('unknown' in rule) return `: ${describeError(rule.unknown)}`;
  const { window } = rule;
  if (window === null) return null;
  if (!existsSync(tools.paths.clockSynchronised)) return ': the clock was not synchronised yet';
  const now = tools.slots.now();
  if (isOpen(window, now)) return null;
  return ` for ${describeWindow(window)}: ${nextOpening(window, now)?.toISOString() ?? 'never'}`;
}

/** @throws BulkheadError UPDATE_REBOOT_FAILED */
export async function reboot(tools: UpdateTools): Promise<void> {
  try {
    await runOrThrow(tools.slots.run, 'systemctl', ['reboot']);
  } catch (cause) {
    throw new BulkheadError('UPDATE_REBOOT_FAILED', 'the reboot could not be started', {
      cause,
      hint: 'the next boot is decided: any reboot will do',
    });
  }
}
