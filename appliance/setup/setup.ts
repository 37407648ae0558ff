import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BulkheadError, describeError } from '../../base/errors.ts';
import type { Run } from '../../base/run.ts';
import { readInitrdReport } from '../../partitions/initrd-report.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import { ensureEvidenceKey } from '../identity/evidence-key.ts';
import { verifyMachineId } from '../identity/machine-id.ts';
import { ensureDeviceIdentity } from '../identity/make.ts';
import { AGENT_USER, agentOwner, type Owner, SITE_USER, userOwner } from '../identity/owner.ts';
import { derivedHostname, readDeviceIdentity, readDeviceKey } from '../identity/read.ts';
import { ensureSshHostKey } from '../identity/ssh-host-key.ts';
import { ensureAgeKey } from '../secrets/age-key.ts';
import { type ClockFacts, correctClock, decideClock, readBuildTime, readSavedClock } from './clock.ts';
import { migrateData } from './data-schema.ts';
import { type DmiFacts, readDmiFacts } from './dmi-facts.ts';
import { executeActions, type StepFailure } from './execute.ts';
import { NETWORK_FILE_PATTERN } from './networkd.ts';
import type { SetupPaths } from './paths.ts';
import { type Action, type Owners, planBoot, planData, planSsh, type StepName } from './plan.ts';

/** Host name of a box that has neither a configured name nor an identity; also what the image starts with. */
const NAMELESS = 'bulkhead';

/** Everything outside that a set-up needs. */
export interface SetupEffects {
  paths: SetupPaths;
  run: Run;
  now: () => Date;
  environment: Readonly<Record<string, string | undefined>>;
}

export interface SetupReport extends DmiFacts {
  /** RFC 3339, by the clock as it stood at the end. */
  at: string;
  /**
   * False when a step failed. Problems of the configuration alone leave it true: the box runs on the layers below, and a
   * mistyped key must not fail the health gate and cost a boot.
   */
  ok: boolean;
  hostname: string;
  deviceId: string | null;
  /** What was done beyond the ordinary: a key made, a clock corrected. */
  notes: string[];
  failures: StepFailure[];
  configProblems: string[];
  /** Paths that had to be changed. */
  changed: string[];
}

/**
 * Sets this boot up. Each step stands for itself: what fails is in the report and keeps nothing else from being done, because
 * a box with a damaged identity still has to be reachable.
 */
export async function runSetup(effects: SetupEffects): Promise<SetupReport> {
  const { paths, run } = effects;
  const notes: string[] = [];
  const failures: StepFailure[] = [];
  const changed: string[] = [];
  const step = async <T>(name: StepName, action: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await action();
    } catch (error) {
      failures.push({ step: name, reason: describeError(error) });
      return undefined;
    }
  };
  const carryOut = (actions: readonly Action[]) => {
    const execution = executeActions(actions);
    failures.push(...execution.failures);
    changed.push(...execution.changed);
  };

  const onData = dataIsMounted(paths);
  const owners = ownersOf(paths, failures);
  // The clock first: what follows writes files and the journal with its time.
  if (paths.root === '') {
    const note = await step('clock', () => correctClock(clockFacts(effects, onData), run));
    if (note) notes.push(note);
  }
  let deviceId: string | null = null;
  if (onData) {
    carryOut(planData(paths, owners));
    const schema = await step('schema', () => migrateData(paths.data, paths.dataSchema));
    if (schema && schema.how !== 'current') notes.push(`data schema ${schema.version} (${schema.how})`);
    const outcome = await step('identity', () => ensureDeviceIdentity(paths.deviceKey, owners.msp));
    if (outcome && outcome.how !== 'kept') notes.push(`device identity ${outcome.how}`);
    deviceId = outcome?.identity.deviceId ?? knownDeviceId(paths);
    const evidence = await step('evidence-key', () =>
      ensureEvidenceKey({
        ...{ keyFile: paths.evidenceKey, owner: owners.site, device: readDeviceKey(paths.deviceKey) },
        now: effects.now,
      }),
    );
    if (evidence && evidence.how !== 'kept') notes.push(`key of the evidence ${evidence.how}`);
    const age = await step('age-key', () => ensureAgeKey(paths.ageKey));
    if (age === 'made') notes.push('age key made');
    await step('machine-id', () => verifyMachineId(paths.machineId, paths.runningMachineId));
  } else {
    failures.push({ step: 'data', reason: describeError(dataMissing(paths)) });
  }

  const loaded = loadSetupConfig(effects);
  const { config } = loaded;
  const { hostname, actions, configProblems } = planFor(effects, loaded, deviceId, owners);
  carryOut(actions);
  // Last, because it starts a program: the network does not wait for it.
  const sshWanted = config.ssh.authorized_keys.length > 0;
  if (sshWanted && !onData) notes.push('SSH is off: without the data partition there is no host key');
  const hostKey =
    sshWanted && onData ? await step('ssh', () => ensureSshHostKey(paths.sshHostKeys, run)) : undefined;
  carryOut(planSsh({ config, paths, owners }, hostKey !== undefined));

  const report: SetupReport = {
    at: effects.now().toISOString(),
    ok: failures.length === 0,
    hostname,
    deviceId,
    ...readDmiFacts(paths.root),
    notes,
    failures,
    configProblems,
    changed,
  };
  const written = executeActions([factsFile(paths, owners, report)]);
  return {
    ...report,
    ok: report.ok && written.failures.length === 0,
    failures: [...failures, ...written.failures],
  };
}

export interface SetupPreview {
  hostname: string;
  notes: string[];
  configProblems: string[];
  actions: Action[];
}

/** What runSetup would do, without doing it. Keys are not made, so on a first boot the derived host name is not known yet. */
export function previewSetup(effects: SetupEffects): SetupPreview {
  const { paths } = effects;
  const onData = dataIsMounted(paths);
  const owners = ownersOf(paths, []);
  const loaded = loadSetupConfig(effects);
  const deviceId = knownDeviceId(paths);
  const { hostname, actions, configProblems } = planFor(effects, loaded, deviceId, owners);
  const clock = decideClock(clockFacts(effects, onData));
  const notes = [
    ...(clock ? [clock.reason] : []),
    ...(onData ? [] : [describeError(dataMissing(paths))]),
    ...(onData && deviceId === null
      ? ['a device identity would be made; the host name follows from it']
      : []),
  ];
  return {
    hostname,
    notes,
    configProblems,
    actions: [
      ...(onData ? planData(paths, owners) : []),
      ...actions,
      ...planSsh({ config: loaded.config, paths, owners }, onData),
    ],
  };
}

/** The facts that decide about the clock. */
export function clockFacts({ paths, now }: SetupEffects, onData = dataIsMounted(paths)): ClockFacts {
  return {
    now_ms: now().getTime(),
    built_ms: readBuildTime(paths.imageInfo),
    confirmed_ms: onData ? readSavedClock(paths.confirmedClock) : null,
    saved_ms: onData ? readSavedClock(paths.savedClock) : null,
  };
}

/**
 * Whether the data partition is there. Without it /var/lib/msp is memory, and an identity made there would be
 * another one after each restart.
 */
export function dataIsMounted(paths: SetupPaths): boolean {
  return readInitrdReport(paths.initrdReport).dataState === 'ok';
}

export function dataMissing(paths: SetupPaths): BulkheadError {
  const { dataState, dataMessage } = readInitrdReport(paths.initrdReport);
  return new BulkheadError(
    'SETUP_DATA_MISSING',
    `the data partition is not mounted (${dataState}${dataMessage ? `: ${dataMessage}` : ''}); nothing was made on it`,
    { hint: 'the box runs without identity and configuration of its own until it is back' },
  );
}

function planFor({ paths }: SetupEffects, loaded: LoadedConfig, deviceId: string | null, owners: Owners) {
  const { config } = loaded;
  const hostname = config.hostname ?? (deviceId === null ? NAMELESS : derivedHostname(deviceId));
  const configProblems = loaded.problems.map(formatProblem);
  const zoneKnown = existsSync(join(paths.zoneinfo, config.time.zone));
  if (!zoneKnown) configProblems.push(`time.zone: this image has no zone '${config.time.zone}'; UTC is used`);
  const folder = paths.networkFolder;
  const oldNetworkFiles = existsSync(folder)
    ? readdirSync(folder).filter((name) => NETWORK_FILE_PATTERN.test(name))
    : [];
  const plan = planBoot({ config, hostname, paths, owners, zoneKnown, oldNetworkFiles });
  // Another root has no kernel of its own.
  const actions = plan.filter(
    (action) => action.kind !== 'kernel' || paths.root === '' || existsSync(action.path),
  );
  return { hostname, actions, configProblems };
}

function loadSetupConfig({ paths, environment }: SetupEffects): LoadedConfig {
  return loadConfig({ imageFile: paths.imageConfig, deviceFile: paths.deviceConfig, environment });
}

function knownDeviceId(paths: SetupPaths): string | null {
  try {
    return readDeviceIdentity(paths.deviceKey).deviceId;
  } catch {
    return null;
  }
}

/** Without the user of a service root owns its files, and the service will say what it cannot read. */
function ownersOf(paths: SetupPaths, failures: StepFailure[]): Owners {
  const root: Owner = { uid: 0, gid: 0 };
  const [msp, site] = [agentOwner(paths.passwd), userOwner(SITE_USER, paths.passwd)];
  const missing = [...(msp ? [] : [AGENT_USER]), ...(site ? [] : [SITE_USER])];
  for (const user of missing)
    failures.push({ step: 'data', reason: `${paths.passwd} has no user ${user}; root owns its files` });
  return { root, msp: msp ?? root, site: site ?? root };
}

function factsFile(paths: SetupPaths, { root }: Owners, report: SetupReport): Action {
  const content = `${JSON.stringify(report, null, 2)}\n`;
  return { kind: 'file', step: 'facts', path: paths.facts, mode: 0o644, owner: root, content };
}
