import { createHmac } from 'node:crypto';
import { uptime } from 'node:os';
import { BulkheadError, describeError } from '../../base/errors.ts';
import { VERSION } from '../../base/version.ts';
import { type MachineFacts, readMachineFacts } from '../../health-gate/machine-facts.ts';
import { readWatchdog } from '../../health-gate/watchdog.ts';
import type { ServiceStatus, SlotStatus, Status } from '../../status-page/status.ts';
import { readFirewallFacts } from '../firewall/facts.ts';
import { readDeviceIdentity } from '../identity/read.ts';
import { NO_SECRETS, readSecretsFacts } from '../secrets/facts.ts';
import { describeBoot, readOwnBootView } from './boot.ts';
import { askTimeServer, readSynchronised, readZone, type TimeServer } from './clock.ts';
import { readDataDisk } from './data-disk.ts';
import type { FactContext, FactPaths } from './fact-context.ts';
import { readLine } from './fact-files.ts';
import { readHardware } from './hardware.ts';
import { readImageInfo } from './image-info.ts';
import { instantOrNull } from './instant.ts';
import { readNetwork } from './network.ts';
import { askServices } from './services.ts';
import { noFacts, readSetupFacts } from './setup-facts.ts';
import { readLoad, readMemory, readTemperature, readUptime } from './system.ts';
import { readListedUnits } from './units.ts';
import { describeUpdate, readUpdateFiles } from './update.ts';
import { UpdateHistory } from './update-history.ts';
import { describeHealth, JournalTail, readVerdict } from './verdicts.ts';

/** Facts that cost a process each and may take seconds on a broken bus; everything else is read in a millisecond. */
export interface SlowFacts {
  services: ServiceStatus[];
  timeServer: TimeServer;
}

export const NO_SLOW_FACTS: SlowFacts = { services: [], timeServer: { server: null, offset_ms: null } };

/**
 * The whole status, looked at now. A collector that fails leaves its facts unknown (null or empty) and warns; it never
 * fails the whole, and nothing is made up.
 */
export async function collectStatus(context: FactContext): Promise<Status> {
  return assembleStatus(context, await collectSlowFacts(context), openJournals(context.paths));
}

/** Files that only grow: who looks often keeps these, and reads only what came since. */
export interface Journals {
  verdicts: JournalTail;
  updates: UpdateHistory;
}

export function openJournals(paths: FactPaths): Journals {
  return {
    verdicts: new JournalTail(paths.verdictJournalFile),
    updates: new UpdateHistory(paths.updateHistoryFile),
  };
}

/** Asks systemd and systemd-timesyncd over D-Bus, both at once. Never rejects. */
export async function collectSlowFacts(context: FactContext): Promise<SlowFacts> {
  const { paths, run } = context;
  const [services, timeServer] = await Promise.all([
    askServices(run, readListedUnits(paths.criticalUnitsFile)).catch((error: unknown) => {
      context.warn(`services: ${describeError(error)}`);
      return NO_SLOW_FACTS.services;
    }),
    askTimeServerIfThere(context),
  ]);
  return { services, timeServer };
}

/** Everything but the slow facts, which are handed in. Reads some thirty small files; starts nothing, waits for nothing. */
export function assembleStatus(context: FactContext, slow: SlowFacts, journals: Journals): Status {
  const { paths } = context;
  const attempt = <T>(what: string, collect: () => T, unknown: T): T => {
    try {
      return collect();
    } catch (error) {
      context.warn(`${what}: ${describeError(error)}`);
      return unknown;
    }
  };
  const machine = readMachineFacts(paths.machineFactsFile);
  const boot = describeBoot(readOwnBootView(paths), machine);
  const image = readImageInfo(paths.imageInfoFile);
  const { product, vendor } = readHardware(paths.sys);
  const setup = attempt(
    'set-up',
    () => readSetupFacts(paths.setupFactsFile, image.version !== null),
    noFacts(['The report of the set-up cannot be read.']),
  );
  const { present, identity, timeout_s } = readWatchdog(paths.sys);
  return {
    identity: {
      hostname: readLine(`${paths.proc}/sys/kernel/hostname`) ?? 'unknown',
      siteId: context.siteId,
      deviceId: attempt('identity', () => readDeviceId(paths.deviceKeyFile), null),
      machineId: shownMachineId(readLine(`${paths.etc}/machine-id`)),
      product,
      vendor,
      serial: setup.serial,
    },
    version: {
      running: image.version ?? 'unknown',
      program: VERSION,
      revision: image.revision,
      kernel: readLine(`${paths.proc}/sys/kernel/osrelease`) ?? 'unknown',
    },
    boot,
    setup: { problems: setup.problems },
    slots: describeSlots(machine),
    update: describeUpdate(
      machine,
      readUpdateFiles(paths, context.now(), context.warn),
      journals.updates.read(),
    ),
    health: attempt(
      'verdicts',
      () => describeHealth(boot.bootId, readVerdict(paths.healthFile), journals.verdicts.read()),
      { outcome: 'pending', verdicts: [] },
    ),
    system: {
      uptime_s: readUptime(paths.proc) ?? uptime(),
      memory: { ...readMemory(paths.proc), agent_bytes: process.memoryUsage.rss() },
      load: readLoad(paths.proc),
      dataDisk: attempt('data disk', () => readDataDisk(paths.proc, paths.dataMount), {
        total_bytes: null,
        used_bytes: null,
        readOnly: null,
      }),
      temperature_c: readTemperature(paths.sys),
      watchdog: { present, identity, timeout_s },
    },
    time: {
      now: context.now().toISOString(),
      zone: readZone(paths.etc),
      synchronised: readSynchronised(paths.run),
      ...slow.timeServer,
    },
    network: attempt('network', () => readNetwork(paths.proc, paths.sys, paths.run, paths.etc), {
      interfaces: [],
      primaryAddress: null,
      gateway: null,
      dns: [],
    }),
    firewall: attempt('firewall', () => describeFirewall(paths.firewallFactsFile), NO_FIREWALL),
    secrets: attempt('secrets', () => describeSecrets(paths.secretsFactsFile), NO_SECRETS),
    coordinator: context.coordinator(),
    services: slow.services,
  };
}

/** Without the time of the record, which the page has no use for. */
function describeSecrets(file: string): Status['secrets'] {
  const { problem, secrets } = readSecretsFacts(file) ?? NO_SECRETS;
  return { problem, secrets };
}

/** Nothing read back from the kernel in this boot: `checkedAt` says that the rest is absence and not observation. */
const NO_FIREWALL: Status['firewall'] = {
  loaded: false,
  rules: 0,
  digest: null,
  openPorts: [],
  checkedAt: null,
};

function describeFirewall(path: string): Status['firewall'] {
  const facts = readFirewallFacts(path);
  if (facts === null) return NO_FIREWALL;
  const { loaded, rules, digest, openPorts, checkedAt } = facts;
  return { loaded, rules, digest, openPorts, checkedAt: instantOrNull(checkedAt) };
}

function describeSlots(machine: MachineFacts | null): SlotStatus[] {
  return (machine?.slots ?? []).map((slot) => ({ ...slot, builtAt: instantOrNull(slot.builtAt) }));
}

function readDeviceId(keyFile: string): string | null {
  try {
    return readDeviceIdentity(keyFile).deviceId;
  } catch (error) {
    // No identity yet is a state (first boot, workstation), not a failure.
    if (error instanceof BulkheadError && error.code === 'IDENTITY_MISSING') return null;
    throw error;
  }
}

async function askTimeServerIfThere(context: FactContext): Promise<TimeServer> {
  // Without timesyncd there is nobody to ask, and a failing process per round would only fill the log.
  if (readSynchronised(context.paths.run) === null) return NO_SLOW_FACTS.timeServer;
  try {
    return await askTimeServer(context.run);
  } catch (error) {
    context.warn(`time server: ${describeError(error)}`);
    return NO_SLOW_FACTS.timeServer;
  }
}

/**
 * The machine id itself must not be shown on a network (machine-id(5)); what is derived from it is as stable and
 * tells nobody the original.
 */
function shownMachineId(machineId: string | null): string | null {
  if (machineId === null || !/^[0-9a-f]{32}$/.test(machineId)) return null;
  return createHmac('sha256', Buffer.from(machineId, 'hex'))
    .update('bulkhead status page')
    .digest('hex')
    .slice(0, 32);
}
