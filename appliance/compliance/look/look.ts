import { readFileSync, statSync } from 'node:fs';
import { describeError } from '../../../base/errors.ts';
import type { Run } from '../../../base/run.ts';
import { readMachineFacts } from '../../../health-gate/machine-facts.ts';
import { askTimeServer } from '../../facts/clock.ts';
import { readDataDisk } from '../../facts/data-disk.ts';
import type { FactPaths } from '../../facts/fact-context.ts';
import { listNames, readLine, readText } from '../../facts/fact-files.ts';
import { readImageInfo } from '../../facts/image-info.ts';
import { readSetupFacts } from '../../facts/setup-facts.ts';
import { readVerdict } from '../../facts/verdicts.ts';
import { readFirewallFacts } from '../../firewall/facts.ts';
import { APPLIANCE_CONTROLS } from '../register/register.ts';
import { parseAccounts } from './accounts.ts';
import { type Listener, parseListeners } from './listeners.ts';
import { readSysctls, wantedSysctls } from './look-as-root.ts';
import { readRootSight } from './root-sight.ts';
import type { EvidenceState, Sight } from './sight.ts';
import { askUnits, type Units } from './units.ts';

export interface LookTools {
  paths: FactPaths;
  rootSightFile: string;
  run: Run;
  now: () => Date;
  /** What the evidence log says of itself; null where there is none. */
  evidence: () => EvidenceState | null;
  warn: (message: string) => void;
}

/** EFI global variables (UEFI 2.10, section 3.3); four bytes of attributes stand in front of the value. */
const SECURE_BOOT = 'firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c';

/** Sees everything once, as the nobody that this process is. Never rejects: what fails is not seen, and that is warned of. */
export async function look(tools: LookTools): Promise<Sight> {
  const { paths, now, warn } = tools;
  const { proc, sys, run, etc } = paths;
  const attempt = <T>(what: string, see: () => T): T | null => {
    try {
      return see();
    } catch (error) {
      warn(`compliance cannot see ${what}: ${describeError(error)}`);
      return null;
    }
  };
  const criticalUnits = readUnitList(paths.criticalUnitsFile);
  const [units, offset_ms] = await Promise.all([askForUnits(tools, criticalUnits ?? []), askOffset(tools)]);
  const passwd = readText(`${etc}/passwd`);
  return {
    at_ms: now().getTime(),
    root: readRootSight(tools.rootSightFile),
    sysctls: readSysctls(proc, wantedSysctls()),
    firewall: attempt('the firewall', () => readFirewallFacts(paths.firewallFactsFile)),
    machine: readMachineFacts(paths.machineFactsFile),
    bootId: readLine(`${proc}/sys/kernel/random/boot_id`),
    verdict: attempt('the verdict', () => readVerdict(paths.healthFile)),
    imageBuiltAt: readImageInfo(paths.imageInfoFile).builtAt,
    setupProblems: attempt('the set-up', () =>
      readText(paths.setupFactsFile) === null ? null : readSetupFacts(paths.setupFactsFile, true).problems,
    ),
    units,
    criticalUnits,
    listeners: readListeners(proc),
    accounts: passwd === null ? null : parseAccounts(passwd),
    clock: { synchronised_ms: modified_ms(`${run}/systemd/timesync/synchronized`), offset_ms },
    crashRecord: readCrashRecord(sys),
    secureBoot: readSecureBoot(sys),
    processor: readProcessor(proc, sys),
    wirelessUp: readWirelessUp(sys),
    securityLabel: readLine(`${proc}/self/attr/current`)?.replaceAll('\0', '') ?? null,
    dataDisk: attempt('the data partition', () => {
      const { total_bytes, used_bytes } = readDataDisk(proc, paths.dataMount);
      return total_bytes === null || used_bytes === null ? null : { total_bytes, used_bytes };
    }),
    evidence: attempt('the evidence', tools.evidence),
  };
}

async function askForUnits({ run, warn }: LookTools, critical: readonly string[]): Promise<Units | null> {
  const asked = APPLIANCE_CONTROLS.flatMap(({ measure }) => {
    if (measure.name === 'units-running') return measure.units === 'critical' ? critical : measure.units;
    if (measure.name === 'units-not-running') return measure.units;
    return measure.name === 'sandbox' ? Object.keys(measure.units) : [];
  });
  try {
    return await askUnits(run, [...new Set([...asked, 'auditd.service'])]);
  } catch (error) {
    warn(`compliance cannot ask systemd: ${describeError(error)}`);
    return null;
  }
}

async function askOffset({ run, warn }: LookTools): Promise<number | null> {
  try {
    return (await askTimeServer(run)).offset_ms;
  } catch (error) {
    warn(`compliance cannot ask for the time: ${describeError(error)}`);
    return null;
  }
}

function readUnitList(path: string): string[] | null {
  const text = readText(path);
  if (text === null) return null;
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '');
}

/** IPv6 may be switched off; a machine without the IPv4 tables is one that cannot be seen. */
function readListeners(proc: string): Listener[] | null {
  const tables = (['tcp', 'udp', 'tcp6', 'udp6'] as const).map((table) => {
    const text = readText(`${proc}/net/${table}`);
    return text === null ? null : parseListeners(text, table.startsWith('tcp') ? 'tcp' : 'udp');
  });
  const [tcp, udp] = tables;
  return tcp && udp ? tables.flatMap((listeners) => listeners ?? []) : null;
}

function modified_ms(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null;
}

function readCrashRecord(sys: string): string | null {
  const backend = readLine(`${sys}/module/pstore/parameters/backend`);
  return backend === null || backend === '(null)' ? null : backend;
}

function readSecureBoot(sys: string): boolean | null {
  // A machine that did not boot by UEFI has no such thing to be switched on.
  if (listNames(`${sys}/firmware/efi`).length === 0) return false;
  try {
    return readFileSync(`${sys}/${SECURE_BOOT}`)[4] === 1;
  } catch {
    return null;
  }
}

function readProcessor(proc: string, sys: string): Sight['processor'] {
  const flags = /^flags\s*:\s*(.+)$/m.exec(readText(`${proc}/cpuinfo`) ?? '')?.[1];
  if (flags === undefined) return null;
  const folder = `${sys}/devices/system/cpu/vulnerabilities`;
  const vulnerabilities = Object.fromEntries(
    listNames(folder).flatMap((name) => {
      const state = readLine(`${folder}/${name}`);
      return state === null ? [] : [[name, state]];
    }),
  );
  return { flags: flags.split(' '), vulnerabilities };
}

/** IFF_UP is the lowest bit (netdevice(7)). */
function readWirelessUp(sys: string): string[] | null {
  const interfaces = listNames(`${sys}/class/net`);
  if (interfaces.length === 0) return null;
  return interfaces.filter((name) => {
    const wireless = listNames(`${sys}/class/net/${name}`).some(
      (entry) => entry === 'wireless' || entry === 'phy80211',
    );
    const flags = Number.parseInt(readLine(`${sys}/class/net/${name}/flags`) ?? '0', 16);
    return wireless && (flags & 1) === 1;
  });
}
