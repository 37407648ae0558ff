import { runOrThrow } from '../../../../../base/run.ts';
import { type Check, type CheckContext, listed, listSetting, type Verdict } from '../check.ts';

/** Names as systemd takes them, and nothing that begins like an option. */
const UNIT_NAME = /^[A-Za-z0-9][A-Za-z0-9@_.:-]{0,127}$/;

export const servicesCheck: Check = {
  check_type: 'services',
  look: async (context) => {
    const failed = await runOrThrow(context.run, 'systemctl', [
      ...['list-units', '--state=failed', '--plain', '--no-legend', '--no-pager'],
    ]);
    const required = listSetting(context, 'services.required').filter((name) => UNIT_NAME.test(name));
    return judgeServices(failedUnits(failed), await inactive(context, required), required);
  },
};

/** @param text of `systemctl list-units`: a unit a line, its name first */
export function failedUnits(text: string): string[] {
  return text.split('\n').flatMap((line) => line.trim().split(/\s+/)[0] || []);
}

export function judgeServices(
  failed: readonly string[],
  stopped: readonly string[],
  required: readonly string[],
): Verdict {
  const wrong = [
    ...stopped.map((unit) => `${unit} does not run`),
    ...failed.filter((unit) => !stopped.includes(unit)).map((unit) => `${unit} failed`),
  ];
  const [first] = [...stopped, ...failed];
  return {
    passed: wrong.length === 0,
    expected: required.length === 0 ? 'no unit failed' : `no unit failed, and these run: ${listed(required)}`,
    actual: wrong.length === 0 ? 'as expected' : listed(wrong),
    // What can be started is named, so that a rule can take it from here.
    metadata: first === undefined ? {} : { service: first },
  };
}

async function inactive({ run }: CheckContext, units: readonly string[]): Promise<string[]> {
  if (units.length === 0) return [];
  // Its status says only whether one of them runs; what it prints is a word for each.
  const { stdout } = await run('systemctl', ['is-active', '--', ...units]);
  const words = stdout.trim().split('\n');
  return units.filter(
    (_, index) => !['active', 'reloading', 'activating'].includes(words[index]?.trim() ?? ''),
  );
}
