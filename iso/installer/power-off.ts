import { type Run, runOrThrow } from '../../base/run.ts';
import { sleep } from './effects.ts';
import { POWER_OFF_DELAY_MS } from './limits.ts';

/** Turns the machine off after the last screen was shown for a while. */
export async function powerOff(run: Run): Promise<void> {
  await sleep(POWER_OFF_DELAY_MS);
  await runOrThrow(run, 'systemctl', ['poweroff']);
}
