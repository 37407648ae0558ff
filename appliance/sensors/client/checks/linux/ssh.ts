import { BulkheadError } from '../../../../../base/errors.ts';
import { runOrThrow } from '../../../../../base/run.ts';
import type { Check, Verdict } from '../check.ts';

/** Settings of the effective configuration and the values that are in order (sshd_config(5)). */
const WANTED: Readonly<Record<string, readonly string[]>> = {
  passwordauthentication: ['no'],
  kbdinteractiveauthentication: ['no'],
  permitemptypasswords: ['no'],
  permitrootlogin: ['no', 'prohibit-password', 'without-password', 'forced-commands-only'],
};

export const sshCheck: Check = {
  check_type: 'ssh',
  look: async ({ run }) => {
    try {
      // What is in force, with every file that is included: nothing is parsed twice.
      return judgeSshd(await runOrThrow(run, 'sshd', ['-T']));
    } catch (error) {
      if (error instanceof BulkheadError && error.code === 'COMMAND_NOT_FOUND')
        return { passed: true, expected: EXPECTED, actual: 'there is no SSH server' };
      throw error;
    }
  },
};

const EXPECTED = 'log-in by key alone, and not as root by password';

/** @param text what `sshd -T` prints: a setting a line, its name in lower case */
export function judgeSshd(text: string): Verdict {
  const settings = new Map(
    text.split('\n').map((line) => {
      const at = line.indexOf(' ');
      return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1).trim()];
    }),
  );
  if (!settings.has('passwordauthentication')) throw new Error('sshd -T printed no settings');
  const wrong = Object.entries(WANTED).flatMap(([name, values]) => {
    const value = settings.get(name);
    return value === undefined || values.includes(value) ? [] : [`${name} ${value}`];
  });
  return {
    passed: wrong.length === 0,
    expected: EXPECTED,
    actual: wrong.length === 0 ? 'log-in by key alone' : wrong.join(', '),
  };
}
