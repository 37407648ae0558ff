import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Run, runOrThrow } from '../../../../base/run.ts';
import { asList, type PowerShell, parseList } from '../checks/windows/powershell.ts';
import {
  SOFTWARE_COUNT_MAX,
  SOFTWARE_FRESH_MS,
  SOFTWARE_NAME_MAX,
  SOFTWARE_TIMEOUT_MS,
  SOFTWARE_WAIT_MS,
} from './limits.ts';

/** What is installed on this machine, as its package manager says it: `nano 7.2-1`, programs first. */
export type InstalledSoftware = () => Promise<readonly string[]>;

const DPKG_FIELDS = ['db:Status-Status', 'Section', 'Package', 'Version'];

export async function linuxSoftware(run: Run, root = '/'): Promise<readonly string[]> {
  const ask = (program: string, args: string[]) =>
    runOrThrow(run, program, args, { timeout_ms: SOFTWARE_TIMEOUT_MS });
  if (existsSync(`${root}/var/lib/dpkg/status`))
    return packagesOf(
      await ask('dpkg-query', [
        ...[`--admindir=${root}/var/lib/dpkg`, '--show'],
        `--showformat=${DPKG_FIELDS.map((field) => `\${${field}}`).join('\\t')}\\n`,
      ]),
    );
  if (existsSync(`${root}/usr/bin/rpm`))
    return packagesOf(
      await ask('rpm', ['-qa', '--queryformat', 'installed\\t%{GROUP}\\t%{NAME}\\t%{VERSION}-%{RELEASE}\\n']),
    );
  return [];
}

/** Where Windows lists what can be uninstalled, for programs of 64 and of 32 bits. */
const UNINSTALL = ['SOFTWARE', 'SOFTWARE\\WOW6432Node'].map(
  (place) => `'HKLM:\\${place}\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\*'`,
);
const PROGRAMS = asList(
  `Get-ItemProperty -ErrorAction SilentlyContinue ${UNINSTALL.join(',')} | Where-Object { $_.DisplayName -and -not $_.SystemComponent }`,
  ['DisplayName', 'DisplayVersion'],
);

export async function windowsSoftware(ask: PowerShell): Promise<readonly string[]> {
  return programsOf(await ask(PROGRAMS));
}

/** @param text lines of state, section, name and version, with tabs between them */
export function packagesOf(text: string): string[] {
  const rows = text.split('\n').flatMap((line) => {
    const [state, section = '', name = '', version = ''] = line.split('\t');
    return state === 'installed' && name !== '' ? [{ section, name: `${name} ${version}` }] : [];
  });
  // The appliance keeps as many as fit. What others only build on is asked for least.
  const others = rows.filter(({ section }) => SUPPORT.test(section));
  const first = rows.filter((row) => !others.includes(row));
  return [...bounded(first.map(({ name }) => name)), ...bounded(others.map(({ name }) => name))].slice(
    0,
    SOFTWARE_COUNT_MAX,
  );
}

/** Sections of Debian's archive, some with the area in front: `contrib/libs`. */
const SUPPORT = /(^|\/)(libs|oldlibs|libdevel|introspection|localization|fonts|doc|metapackages)$/;

/** @param text lists of DisplayName and DisplayVersion */
export function programsOf(text: string): string[] {
  return bounded(
    parseList(text).map(
      (program) => `${program.get('DisplayName') ?? ''} ${program.get('DisplayVersion') ?? ''}`,
    ),
  );
}

/** In order, without doubles, and as the appliance takes them. */
function bounded(names: readonly string[]): string[] {
  const plain = names.map((name) =>
    name
      .replace(/\p{Cc}+/gu, ' ')
      .trim()
      .slice(0, SOFTWARE_NAME_MAX),
  );
  return [...new Set(plain)]
    .filter((name) => name !== '')
    .sort()
    .slice(0, SOFTWARE_COUNT_MAX);
}

/**
 * Asks again after SOFTWARE_FRESH_MS. What cannot be asked is what was known before, and so is what takes longer than `wait_ms`, which is told
 * at the next connection: no sensor stays away for it.
 */
export function remembered(
  look: InstalledSoftware,
  of: { now_ms: () => number; warn: (error: unknown) => void; wait_ms?: number },
): InstalledSoftware {
  let known: readonly string[] = [];
  let looked_ms = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | null = null;
  const lookOnce = async () => {
    try {
      known = await look();
    } catch (error) {
      of.warn(error);
    }
    looking = null;
  };
  return async () => {
    if (looking === null && of.now_ms() - looked_ms >= SOFTWARE_FRESH_MS) {
      looked_ms = of.now_ms();
      looking = lookOnce();
    }
    // Not a timer for which a process that ends would stay.
    const enough = sleep(of.wait_ms ?? SOFTWARE_WAIT_MS, undefined, { ref: false });
    if (looking !== null) await Promise.race([looking, enough]);
    return known;
  };
}
