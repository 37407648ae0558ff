import { readFileSync } from 'node:fs';
import { type Run, runOrThrow } from '../../base/run.ts';
import { sleep } from './effects.ts';
import { POWER_OFF_DELAY_MS } from './limits.ts';
import { AGENT_GROUP } from './paths.ts';

/**
 * The number of the agent's group on this system, which is the installed one when this is the live system (the same
 * image); null on a workstation that has no such group.
 */
export function agentGroupId(groupFile = '/etc/group'): number | null {
  let text = '';
  try {
    text = readFileSync(groupFile, 'utf8');
  } catch {
    // No group file, no such group.
  }
  const id = new RegExp(`^${AGENT_GROUP}:[^:]*:(\\d+):`, 'm').exec(text)?.[1];
  return id === undefined ? null : Number(id);
}

/** Turns the machine off after the last screen was shown for a while. */
export async function powerOff(run: Run): Promise<void> {
  await sleep(POWER_OFF_DELAY_MS);
  await runOrThrow(run, 'systemctl', ['poweroff']);
}
