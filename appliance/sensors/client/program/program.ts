import { Command } from 'commander';
import { type CommandIo, printFacts, runCommandLine } from '../../../../base/command-line.ts';
import type { ConfigFile } from './config.ts';
import { ENROL_TIMEOUT_S } from './limits.ts';
import { SENSOR_VERSION } from './sensor-version.ts';

/** Options of the command line; each stands in the file, too. */
interface Options {
  config?: string;
  appliance?: string;
  code?: string;
  ca?: string;
  fingerprint?: string;
  trustFirst?: true;
  serverName?: string;
  state?: string;
  keyset?: string;
  update?: boolean;
  interval?: string;
  timeout?: string;
  json?: true;
}

const OPTIONS: readonly (readonly [string, string])[] = [
  [
    '--config <file>',
    'configuration, instead of /etc/bulkhead-sensor/config.yaml or %ProgramData%\\BulkheadSensor\\config.yaml',
  ],
  ['--appliance <address>', 'name or address of the appliance, with :PORT where it is not 50051'],
  ['--code <code>', 'one-time code; without one somebody has to approve the fingerprint that is shown'],
  ['--fingerprint <sha256>', "of the appliance's authority, as it is shown beside the code"],
  ['--ca <file>', "certificate of the appliance's authority, instead of its fingerprint"],
  ['--trust-first', 'believe whoever answers first, and from then on nobody else'],
  ['--server-name <name>', "name in the appliance's certificate, where it is reached by another"],
  ['--state <folder>', 'where key, queue and journal are kept'],
];

function makeProgram(): Command {
  return new Command('bulkhead-sensor')
    .description('looks at this machine and tells a Bulkhead appliance')
    .version(SENSOR_VERSION, '-V, --version', 'version of this program')
    .showHelpAfterError()
    .showSuggestionAfterError();
}

function register(program: Command, io: CommandIo): void {
  const withOptions = (command: Command) =>
    OPTIONS.reduce((made, [flags, text]) => made.option(flags, text), command);
  withOptions(program.command('run'))
    .description(
      'look, tell and do what the appliance asks for, until it is ended; enrols first where that is needed',
    )
    .option('--keyset <file>', 'key sets whose releases are taken, instead of those that were built in')
    .option('--no-update', 'stay with this version')
    .option('--interval <seconds>', 'between two looks, instead of what the appliance sets')
    .action(async (options: Options) => {
      const { runSensor } = await import('./run-sensor.ts');
      const config = await loadConfig(options);
      const stop = new AbortController();
      for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());
      const interval_s = Number(options.interval);
      const code = await runSensor({
        ...{ config, args: process.argv.slice(2), signal: stop.signal, environment: process.env },
        ...(interval_s > 0 ? { interval_s } : {}),
      });
      io.setExitCode(code);
    });
  withOptions(program.command('enrol'))
    .description('let this sensor in, and end: by its code, or when somebody has approved its fingerprint')
    .option('--timeout <seconds>', 'how long to wait for that', String(ENROL_TIMEOUT_S))
    .option('--json', 'print facts as JSON')
    .action(async (options: Options) => {
      const { enrolSensor } = await import('./enrol-sensor.ts');
      const facts = await enrolSensor(await loadConfig(options), Number(options.timeout), (line) =>
        io.err(`${line}\n`),
      );
      printFacts(
        io,
        options.json,
        facts,
        () => `let in as ${facts.agent_id} (${facts.tier}); certificate until ${facts.certificate_until}`,
      );
    });
  program
    .command('check [names...]')
    .description('look once, print what was found, and tell nobody; ends with 2 where something failed')
    .option('--json', 'print facts as JSON')
    .action(async (names: string[], options: Options) => {
      const { lookOnce, presentReadings } = await import('./look-once.ts');
      const readings = await lookOnce(names);
      printFacts(io, options.json, readings, () => presentReadings(readings));
      if (readings.some(({ passed }) => !passed)) io.setExitCode(2);
    });
  program
    .command('status')
    .description('what the sensor that runs here knows')
    .option('--config <file>', 'its configuration')
    .option('--state <folder>', 'its folder')
    .option('--json', 'print facts as JSON')
    .action(async (options: Options) => {
      const { presentStatus, readStatusFile } = await import('./status-file.ts');
      const { stateFiles } = await import('./config.ts');
      const status = readStatusFile(stateFiles((await loadConfig(options)).state).status);
      printFacts(io, options.json, status, () => presentStatus(status, Date.now()));
    });
  program
    .command('version')
    .description('version of this program')
    .option('--json', 'print facts as JSON')
    .action((options: Options) =>
      printFacts(io, options.json, { version: SENSOR_VERSION }, () => SENSOR_VERSION),
    );
}

async function loadConfig(options: Options) {
  const { defaultPaths, readConfig } = await import('./config.ts');
  const { config, appliance, code, ca, fingerprint, trustFirst, serverName, state, keyset, update } = options;
  const given = {
    config,
    appliance,
    code,
    ca,
    fingerprint,
    trust_first: trustFirst,
    server_name: serverName,
    state,
    keyset,
  };
  // commander sets `update` to true where nobody said anything.
  const said: ConfigFile & { config?: string } = Object.fromEntries(
    Object.entries({ ...given, update: update === false ? false : undefined }).filter(
      ([, value]) => value !== undefined,
    ),
  );
  return readConfig(said, defaultPaths(process.platform, process.env));
}

/** Runs one command line to its end, see runCommandLine. @param args behind the name of the program */
export function runProgram(args: readonly string[], io: CommandIo): Promise<void> {
  return runCommandLine(makeProgram(), (program) => register(program, io), args, io);
}
