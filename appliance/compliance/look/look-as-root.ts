import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { type Run, runOrThrow } from '../../../base/run.ts';
import type { Config } from '../../config/schema.ts';
import { readLine, readText } from '../../facts/fact-files.ts';
import { SSHD_TIMEOUT_MS } from '../limits.ts';
import { APPLIANCE_CONTROLS } from '../register/register.ts';
import { parseAccounts, parsePasswords } from './accounts.ts';
import { type Mount, parseMounts } from './mounts.ts';
import type { RootSight } from './root-sight.ts';

/** Where root looks; a test hands in a tree of its own. */
export interface RootPlaces {
  /** In front of every path of a control; '' on the appliance. */
  root: string;
  proc: string;
  sys: string;
  etc: string;
  dataMount: string;
  sshdConfig: string;
  /** The keys that may log in; SSH is on where this is. */
  authorizedKeys: string;
}

export interface RootTools {
  places: RootPlaces;
  run: Run;
  now: () => Date;
  justifications: Config['compliance']['justifications'];
}

/** Looks once. What cannot be seen is null, and the control then unknown; never throws for that. */
export async function lookAsRoot({ places, run, now, justifications }: RootTools): Promise<RootSight> {
  const mountinfo = readText(`${places.proc}/1/mountinfo`);
  const mounts = mountinfo === null ? null : parseMounts(mountinfo);
  const on = existsSync(places.authorizedKeys);
  const shadow = readText(`${places.etc}/shadow`);
  return {
    at: now().toISOString(),
    sysctls: readSysctls(places.proc, wantedSysctls()),
    ssh: { on, settings: on ? await askSshd(run, places.sshdConfig) : null },
    mounts,
    files: lookAtFiles(places),
    passwords: shadow === null ? null : parsePasswords(shadow),
    encryptedData: isEncrypted(mounts, places),
    justifications,
  };
}

/** The kernel settings that the register asks for. */
export function wantedSysctls(): string[] {
  return APPLIANCE_CONTROLS.flatMap(({ measure }) =>
    measure.name === 'sysctl' ? Object.keys(measure.wants) : [],
  );
}

/** Settings that can be read by whoever asks; the others are left out. */
export function readSysctls(proc: string, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = readLine(`${proc}/sys/${name.replaceAll('.', '/')}`);
      return value === null ? [] : [[name, value.replace(/\s+/g, ' ')]];
    }),
  );
}

/** `name value` lines of `sshd -T` (sshd(8)), which is what a new connection would meet. */
async function askSshd(run: Run, config: string): Promise<Record<string, string> | null> {
  try {
    return parseSshd(
      await runOrThrow(run, '/usr/sbin/sshd', ['-T', '-f', config], { timeout_ms: SSHD_TIMEOUT_MS }),
    );
  } catch {
    // Refused, damaged or not there: nobody knows what it would do, and that is what the controls then say.
    return null;
  }
}

export function parseSshd(text: string): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const [name = '', ...values] = line.trim().split(' ');
    if (values.length > 0) settings[name.toLowerCase()] ??= values.join(' ');
  }
  return settings;
}

function lookAtFiles({ root, etc }: RootPlaces): RootSight['files'] {
  const paths = APPLIANCE_CONTROLS.flatMap(({ measure }) => (measure.name === 'file' ? [measure.path] : []));
  const names = new Map(
    parseAccounts(readText(`${etc}/passwd`) ?? '').map(({ uid, name }) => [uid, name] as const),
  );
  return Object.fromEntries(
    paths.map((path) => {
      try {
        const { mode, uid } = statSync(`${root}${path}`);
        return [path, { mode: mode & 0o7777, owner: names.get(uid) ?? String(uid) }];
      } catch (error) {
        const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
        return [path, missing ? ('missing' as const) : null];
      }
    }),
  );
}

/** cryptsetup names its devices `CRYPT-…` in their UUID; null without a data partition. */
function isEncrypted(mounts: readonly Mount[] | null, { sys, dataMount }: RootPlaces): boolean | null {
  const source = mounts?.find(({ path }) => path === dataMount)?.source;
  if (source === undefined) return null;
  let device = basename(source);
  try {
    device = basename(realpathSync(source));
  } catch {
    // A source that is no path of this machine (a test's): its name is all there is.
  }
  const uuid = readLine(`${sys}/class/block/${device}/dm/uuid`);
  return /^CRYPT-(?:LUKS|PLAIN)/.test(uuid ?? '');
}
