import { readFile } from 'node:fs/promises';
import { Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { BulkheadError } from '../base/errors.ts';
import {
  CRITICAL_UNITS_FILE,
  FIREWALL_FACTS_FILE,
  HEALTH_FILE,
  IMAGE_INFO_FILE,
  INITRD_REPORT_FILE,
  MACHINE_FACTS_FILE,
  VERDICT_JOURNAL_FILE,
} from '../base/paths.ts';
import { run } from '../base/run.ts';
import { VERSION } from '../base/version.ts';
import { MIRROR_PATHS } from '../partitions/boot-state-mirrors.ts';
import { DATA_MOUNT, ESP_MOUNT } from '../partitions/layout-names.ts';
import { type BootPaths, type BootReading, bootFacts, readBoot } from './boot-reading.ts';
import type { CheckContext, CheckPaths } from './check.ts';
import { ALL_CHECKS } from './checks/all-checks.ts';
import type { GateSetup } from './gate.ts';
import { type EffectPaths, gateEffects } from './gate-effects.ts';
import { GATE_DEADLINE_MS, TRIAL_STEADY_MS } from './limits.ts';
import type { RebootMeans } from './reboot.ts';

/** Where the agent answers; loopback, so no cable and no firewall stands between. */
const AGENT_URL = 'http://127.0.0.1:80';

/** Every place the gate looks at or writes to. */
export interface GatePaths extends BootPaths, CheckPaths, EffectPaths {
  sysrqMaskFile: string;
  sysrqTriggerFile: string;
}

/** The places of the appliance. Nothing outside can move them: a gate that can be pointed elsewhere judges nothing. */
const APPLIANCE_PATHS: GatePaths = {
  procFolder: '/proc',
  sysFolder: '/sys',
  initrdReportFile: INITRD_REPORT_FILE,
  dataMount: DATA_MOUNT,
  dataProbeFolder: `${DATA_MOUNT}/health`,
  firewallFactsFile: FIREWALL_FACTS_FILE,
  imageInfoFile: IMAGE_INFO_FILE,
  criticalUnitsFile: CRITICAL_UNITS_FILE,
  timeSynchronisedFile: '/run/systemd/timesync/synchronized',
  verdictJournalFile: VERDICT_JOURNAL_FILE,
  healthFile: HEALTH_FILE,
  machineFactsFile: MACHINE_FACTS_FILE,
  mirrors: MIRROR_PATHS,
  espMount: ESP_MOUNT,
  sysrqMaskFile: '/proc/sys/kernel/sysrq',
  sysrqTriggerFile: '/proc/sysrq-trigger',
};

/**
 * What only the program as a whole knows; handed in because the gate knows neither nftables nor configuration, neither
 * the page nor signatures.
 */
export interface GateOptions
  extends Pick<
    CheckContext,
    'patience_ms' | 'liveFirewall' | 'coordinatorUrl' | 'readStatus' | 'askSite' | 'loadUpdateKeys'
  > {
  /** Authorities that may vouch for the coordinator instead of the public ones, in PEM; null: those. */
  coordinatorCa: string | null;
  /** Of the process; only 0 may judge. */
  userId: number | undefined;
  log(line: string): void;
}

/**
 * The gate of the machine it runs on.
 *
 * @throws BulkheadError GATE_NOT_AN_APPLIANCE, GATE_NOT_ROOT
 */
export async function prepareGate(
  options: GateOptions,
  paths: GatePaths = APPLIANCE_PATHS,
): Promise<GateSetup> {
  const reading = await readBoot(paths);
  // Without root the disks cannot be read, and a healthy boot would be called unhealthy.
  if (options.userId !== 0) {
    throw new BulkheadError('GATE_NOT_ROOT', 'only root can judge a boot', {
      hint: "'bulkhead health-gate' without an option shows the last verdict to everybody",
    });
  }
  const reboot: RebootMeans = {
    run,
    sleep: (duration_ms) => Bun.sleep(duration_ms),
    sysrqMaskFile: paths.sysrqMaskFile,
    sysrqTriggerFile: paths.sysrqTriggerFile,
    log: options.log,
  };
  const version = await imageVersion(paths.imageInfoFile);
  return {
    reading,
    context: makeContext(reading, options, paths, version),
    checks: ALL_CHECKS,
    effects: gateEffects(paths, reading.initrd.esp, { run, reboot }),
    deadline_ms: GATE_DEADLINE_MS,
    version,
    log: options.log,
  };
}

function makeContext(
  reading: BootReading,
  options: GateOptions,
  paths: CheckPaths,
  version: string,
): CheckContext {
  const trial = bootFacts(reading).mode === 'trial';
  return {
    paths,
    run,
    fetch: (url, init) =>
      fetch(url, {
        ...init,
        ...(options.coordinatorCa === null ? {} : { tls: { ca: options.coordinatorCa } }),
      }),
    now: () => new Date(),
    initrd: reading.initrd,
    live: reading.live,
    kernelCommandLine: reading.kernelCommandLine,
    bootState: reading.bootState,
    slot: reading.slot,
    agentUrl: AGENT_URL,
    trial,
    version,
    patience_ms: options.patience_ms,
    steady_ms: trial ? TRIAL_STEADY_MS : 0,
    liveFirewall: options.liveFirewall,
    readStatus: options.readStatus,
    askSite: options.askSite,
    loadUpdateKeys: options.loadUpdateKeys,
    coordinatorUrl: options.coordinatorUrl,
  };
}

/** The version of the image; that of this program where the image does not say (the `clock` check then fails). */
async function imageVersion(imageInfoFile: string): Promise<string> {
  try {
    const info: unknown = JSON.parse(await readFile(imageInfoFile, 'utf8'));
    return Value.Check(t.Object({ version: t.String() }), info) ? info.version : VERSION;
  } catch {
    return VERSION;
  }
}
