import { runOrThrow } from '../../../../../base/run.ts';
import type { Check, Verdict } from '../check.ts';

export const timeCheck: Check = {
  check_type: 'time',
  look: async ({ run }) =>
    judgeTime(await runOrThrow(run, 'timedatectl', ['show', '--property=NTPSynchronized', '--property=NTP'])),
};

/** @param text `NTP=yes` and `NTPSynchronized=no`, a line each; the latter is what the kernel says, whoever keeps the clock */
export function judgeTime(text: string): Verdict {
  const synchronised = /^NTPSynchronized=(yes|no)$/m.exec(text)?.[1];
  if (synchronised === undefined)
    throw new Error('timedatectl does not say whether the clock is synchronised');
  const service = /^NTP=no$/m.test(text) ? '; its service is switched off' : '';
  return {
    passed: synchronised === 'yes',
    expected: 'the clock is kept by a time server',
    actual: synchronised === 'yes' ? 'it is' : `it is not${service}`,
  };
}
