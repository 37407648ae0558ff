import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { runOrThrow } from '../../../../../base/run.ts';
import { type Check, type CheckContext, listed, settingOf, type Verdict } from '../check.ts';
import { LISTS_MAX_AGE_DAYS, PACKAGES_TIMEOUT_MS } from '../limits.ts';

const DAY_MS = 86_400_000;
/** What dnf ends with when there are updates (dnf(8), check-update). */
const DNF_UPDATES = 100;

export const patchesCheck: Check = {
  check_type: 'patches',
  look: async (context) => {
    if (existsSync(join(context.root, 'var/lib/dpkg/status'))) return lookAtApt(context);
    if (existsSync(join(context.root, 'usr/bin/dnf'))) return lookAtDnf(context);
    throw new Error('neither dpkg nor dnf is here');
  },
};

async function lookAtApt(context: CheckContext): Promise<Verdict> {
  const max_days = settingOf(context, 'patches.lists_max_age_days', LISTS_MAX_AGE_DAYS, { min: 1, max: 365 });
  // Simulated: nothing is changed, nothing locked, and no rights are needed.
  const text = await runOrThrow(context.run, 'apt-get', ['--simulate', '--quiet', 'dist-upgrade'], {
    timeout_ms: PACKAGES_TIMEOUT_MS,
  });
  return judgePatches(aptSecurityUpdates(text), listsAge_days(context), max_days);
}

async function lookAtDnf(context: CheckContext): Promise<Verdict> {
  const { code, stdout, stderr } = await context.run('dnf', ['--quiet', '--security', 'check-update'], {
    timeout_ms: PACKAGES_TIMEOUT_MS,
  });
  if (code !== 0 && code !== DNF_UPDATES)
    throw new Error(`dnf ended with ${code}: ${stderr.trim().slice(-300)}`);
  // It fetches its lists itself when they are too old.
  return judgePatches(code === 0 ? [] : dnfUpdates(stdout), 0, LISTS_MAX_AGE_DAYS);
}

/**
 * Packages of which a security archive has a newer version.
 *
 * @param text of `apt-get --simulate`: `Inst NAME [OLD] (NEW ORIGIN:RELEASE/ARCHIVE [amd64])`; the archive of Debian is
 * `stable-security`, that of Ubuntu `jammy-security`
 */
export function aptSecurityUpdates(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const [, name, origins] = /^Inst (\S+) (?:\[[^\]]*\] )?\(\S+ (.*?)\s*(?:\[[^\]]*\])?\)/.exec(line) ?? [];
    return name !== undefined && /security/i.test(origins ?? '') ? [name] : [];
  });
}

/** @param text of `dnf check-update`: `NAME.ARCH VERSION REPOSITORY` a line, what is made obsolete behind a heading */
export function dnfUpdates(text: string): string[] {
  const [updates = ''] = text.split(/^Obsoleting/m);
  return updates.split('\n').flatMap((line) => /^(\S+)\.\w+\s+\S+\s+\S+\s*$/.exec(line)?.[1] ?? []);
}

/** @param lists_days how old what is known is; null: there is nothing to know it from */
export function judgePatches(
  updates: readonly string[],
  lists_days: number | null,
  max_days: number,
): Verdict {
  const fresh = lists_days !== null && lists_days <= max_days;
  const age =
    lists_days === null
      ? 'no package lists were ever fetched'
      : `the package lists are ${Math.floor(lists_days)} days old`;
  const wrong = [
    ...(updates.length > 0
      ? [`${updates.length} security updates are not installed: ${listed(updates)}`]
      : []),
    ...(fresh ? [] : [age]),
  ];
  return {
    passed: wrong.length === 0,
    expected: `every security update is installed, by package lists of the last ${max_days} days`,
    actual: wrong.length === 0 ? 'all are installed' : wrong.join('; '),
    metadata: { security_updates: String(updates.length) },
  };
}

function listsAge_days({ root, now_ms }: CheckContext): number | null {
  const folder = join(root, 'var/lib/apt/lists');
  if (!existsSync(folder)) return null;
  // `partial` and the lock are touched by other things as well.
  const times_ms = readdirSync(folder)
    .filter((name) => /(InRelease|Release|Packages)(\.\w+)?$/.test(name))
    .map((name) => statSync(join(folder, name)).mtimeMs);
  // apt gives a list the time of the archive; that it asked is seen by the folder.
  return times_ms.length === 0 ? null : (now_ms() - Math.max(statSync(folder).mtimeMs, ...times_ms)) / DAY_MS;
}
