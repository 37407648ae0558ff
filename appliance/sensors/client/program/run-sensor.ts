import { writeFileSync } from 'node:fs';
import { BulkheadError, describeError } from '../../../../base/errors.ts';
import { startLog } from '../../../../base/log.ts';
import { readIdentity } from '../sdk/identity.ts';
import { createSensor, type Sensor } from '../sdk/sensor.ts';
import type { SensorPlatform } from '../update/release.ts';
import { type ReadyProgram, SelfUpdate } from '../update/self-update.ts';
import { spawnProgram } from '../update/spawn-program.ts';
import { type Child, endChild, TRIAL_VARIABLE } from '../update/trial.ts';
import { sensorKeys } from './built-in-keys.ts';
import { type SensorConfig, stateFiles } from './config.ts';
import { remembered } from './installed-software.ts';
import { EXIT_REPLACED } from './limits.ts';
import { machineFacts, thisMachine } from './machine.ts';
import { SENSOR_VERSION } from './sensor-version.ts';
import { StatusWriter } from './status-file.ts';

/** Set for a program that another of its kind keeps: it ends instead of keeping the next one itself. */
const KEPT_VARIABLE = 'BULKHEAD_SENSOR_KEPT';

export interface RunOptions {
  config: SensorConfig;
  /** The command line, for the program that follows this one. */
  args: readonly string[];
  signal: AbortSignal;
  /** Instead of what the appliance sets. */
  interval_s?: number;
  environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs the sensor until it is told to stop. When the appliance offers a newer program that is signed and proves itself, that one takes over,
 * and this process keeps it.
 *
 * @returns what this process ends with
 */
export async function runSensor(options: RunOptions): Promise<number> {
  const { config, signal, environment } = options;
  const logger = startLog(environment, 'sensor');
  const log = (level: 'info' | 'warning', message: string) => logger[level](message);
  log('info', `version ${SENSOR_VERSION} starts`);
  const update = selfUpdate(config, log);
  while (!signal.aborted) {
    const ready = await workUntilUpdate(options, update, log);
    if (ready === null || update === null) break;
    const child = await update.tryOut(ready, options.args, signal);
    if (child === null) continue;
    if (environment[KEPT_VARIABLE] === undefined) return keep(child, options);
    // Whoever keeps us starts the installed program, which is the new one.
    await endChild(child);
    return EXIT_REPLACED;
  }
  log('info', 'ended');
  return 0;
}

/** One life of the sensor. @returns a program that is ready for its trial, or null at the end */
async function workUntilUpdate(
  { config, signal, interval_s, environment }: RunOptions,
  update: SelfUpdate | null,
  log: (level: 'info' | 'warning', message: string) => void,
): Promise<ReadyProgram | null> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  let ready: ReadyProgram | null = null;
  let preparing = false;
  let marked = false;
  const writer = new StatusWriter(stateFiles(config.state).status);
  const machine = thisMachine();
  const { checks, actions, remote } = machine;
  const software = remembered(machine.software, {
    now_ms: Date.now,
    warn: (error) => log('warning', `what is installed is not known: ${describeError(error)}`),
  });
  const sensor: Sensor = createSensor({
    ...{ folder: config.state, facts: machineFacts(), checks, actions, remote, software, log },
    ...connection(config),
    ...(interval_s === undefined ? {} : { check_interval_ms: interval_s * 1000 }),
    onHeard: () => {
      update?.heard();
      const mark = environment[TRIAL_VARIABLE];
      if (mark === undefined || marked) return;
      writeFileSync(mark, `${SENSOR_VERSION}\n`);
      marked = true;
    },
    onOffer: (offer) => {
      if (update === null || preparing) return;
      preparing = true;
      void update.prepare(offer, both).then((prepared) => {
        preparing = false;
        ready = prepared;
        if (prepared !== null) stop.abort();
      });
    },
    onStatus: (status) => writer.put({ ...status, version: SENSOR_VERSION, written_ms: Date.now() }),
  });
  await sensor.run(both);
  writer.flush();
  return signal.aborted ? null : ready;
}

/** Where the appliance is and how it is known. @throws BulkheadError SENSOR_CONFIG_INCOMPLETE */
export function connection(config: SensorConfig) {
  const { address, code, server_name } = config;
  const known = readIdentity(stateFiles(config.state).identity)?.admission != null;
  // A sensor that is in knows its authority; what the configuration says of it counts no more.
  const authority = config.authority ?? (known ? { first_use: true as const } : null);
  if (address === null)
    throw new BulkheadError('SENSOR_CONFIG_INCOMPLETE', 'nothing says where the appliance is', {
      hint: 'name it: --appliance HOST, or appliance: in the configuration',
    });
  if (authority === null)
    throw new BulkheadError('SENSOR_CONFIG_INCOMPLETE', 'nothing says how the appliance is known', {
      hint: 'one of --fingerprint (the appliance shows it beside a code), --ca FILE, --trust-first',
    });
  return {
    ...{ address, authority },
    ...(code === null ? {} : { code }),
    ...(server_name === null ? {} : { server_name }),
  };
}

/** Null where this is no program that could be replaced. */
function selfUpdate(
  config: SensorConfig,
  log: (level: 'info' | 'warning', message: string) => void,
): SelfUpdate | null {
  // The program of a build has its source inside itself; from a checkout it is Bun that runs.
  const compiled = /[/\\](\$bunfs|~BUN)[/\\]/.test(Bun.main);
  if (!config.update || !compiled) return null;
  try {
    const trusted = sensorKeys(config.keyset);
    if (trusted === null) return null;
    const platform: SensorPlatform = process.platform === 'win32' ? 'windows-x64' : 'linux-x64';
    return new SelfUpdate({
      ...{ installed: process.execPath, folder: config.state, platform, version: SENSOR_VERSION },
      ...{ trusted, start: spawnProgram, log, now_ms: Date.now },
    });
  } catch (error) {
    log('warning', `there is no self-update: ${describeError(error)}`);
    return null;
  }
}

/** Keeps the program that took over: it gets our signals, its successors are started, and we end when it ends. */
async function keep(first: Child, { args, signal }: RunOptions): Promise<number> {
  for (let child = first; ; child = spawnProgram(process.execPath, args, { [KEPT_VARIABLE]: '1' })) {
    const end = () => child.kill('SIGTERM');
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    const code = await child.exited;
    signal.removeEventListener('abort', end);
    if (code !== EXIT_REPLACED || signal.aborted) return signal.aborted ? 0 : code;
  }
}
