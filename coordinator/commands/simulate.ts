import { InvalidArgumentError } from 'commander';
import { type CommandIo, printFacts } from '../../base/command-line.ts';
import { BulkheadError } from '../../base/errors.ts';
import { VERSION } from '../../base/version.ts';
import type { Fleet } from '../simulate/fleet.ts';
import { FLEET_MAX, PROGRESS_FILE_MS, PROGRESS_SCREEN_MS } from '../simulate/limits.ts';
import type { Tally } from '../simulate/tally.ts';
import { type ApiCommandOptions, apiOf, wholeNumber, withApiOptions } from './api-command.ts';
import { nextSignal, type RegisterCommand } from './command.ts';

interface SimulateOptions extends ApiCommandOptions {
  appliances: number;
  seed: string;
  code?: string;
  failure: number;
  rollback: number;
  silent: number;
  sites: number;
  updateTime: number;
  runs: string;
  hardware: string;
  sessionKeys: boolean;
  for?: number;
}

/** `bulkhead-coordinator simulate`: a fleet without hardware, for trying out and for load. */
export const registerSimulate: RegisterCommand = (program, io) => {
  const command = withApiOptions(
    program.command('simulate').description('run a fleet of appliances that have no hardware until Ctrl-C'),
  )
    .option('--appliances <number>', 'how many', wholeNumber(1, FLEET_MAX), 10)
    .option('--seed <text>', 'the same seed is the same fleet: keys, names, serial numbers', 'bulkhead')
    .option('--code <code>', 'prepared code that lets them in; with a token one is prepared for them')
    .option('--failure <percent>', 'orders that fail', percent, 0)
    .option('--rollback <percent>', 'updates that are tried and come back', percent, 0)
    .option('--silent <percent>', 'orders after which an appliance is never heard of again', percent, 0)
    .option('--sites <percent>', 'appliances that tell of sensors and findings at their site', percent, 25)
    .option('--update-time <seconds>', 'that an update takes', wholeNumber(0, 86_400), 60)
    .option('--runs <version>', 'that they run in the beginning', VERSION)
    .option('--hardware <name>', 'that they say they are', 'hp-t640')
    .option('--no-session-keys', 'sign every heartbeat with the key of the device')
    .option('--for <seconds>', 'end by itself', wholeNumber(1, 31_536_000));
  command.addHelpText(
    'after',
    `
They speak the protocol of real appliances, each with a key of its own: they enrol, send heartbeats and state reports, verify their orders and
carry them out, updates step by step. Without --code and without a token they show codes and wait until somebody lets them in.
Give them a coordinator of their own: they are appliances like any others to it, and stay on record.

Examples:
  bulkhead-coordinator simulate
  bulkhead-coordinator simulate --server https://coordinator.example --appliances 5000 --token-file token
  bulkhead-coordinator simulate --appliances 200 --code QA33-50D8-FNWJ-V5ND --rollback 5 --failure 2 --silent 1 --json`,
  );
  command.action(async (options: SimulateOptions) => {
    const { addressOf } = await import('../client/api.ts');
    const { prepareCodes } = await import('../simulate/codes.ts');
    const { startFleet } = await import('../simulate/fleet.ts');
    const odds = oddsOf(options);
    const server = addressOf(options, process.env);
    const { appliances, seed } = options;
    const hasToken = options.tokenFile !== undefined || process.env['BULKHEAD_TOKEN'] !== undefined;
    const codes =
      options.code === undefined && hasToken
        ? await prepareCodes(await apiOf(options), appliances, `simulated appliances, seed ${seed}`)
        : undefined;
    const started_ms = performance.now();
    const signalled = nextSignal();
    const fleet = startFleet({
      ...{ server, appliances, seed, odds, hardware: options.hardware, version: options.runs },
      ...{ update_ms: options.updateTime * 1000, sessions: options.sessionKeys },
      sites_percent: options.sites,
      codeFor: codes?.codeFor ?? (() => options.code),
    });
    await watch(io, options, fleet, signalled);
    await fleet.stop();
    await codes?.revoke();
    const duration_s = Math.round(performance.now() - started_ms) / 1000;
    const summary = { server: server.origin, appliances, seed, duration_s, ...fleet.read() };
    printFacts(io, options.json, summary, () => summaryText(summary));
  });
};

/** Tells how it goes until somebody ends it, or its time is over. */
async function watch(
  io: CommandIo,
  options: SimulateOptions,
  fleet: Fleet,
  signalled: Promise<string>,
): Promise<void> {
  const { progressLine } = await import('../simulate/tally.ts');
  const started_ms = performance.now();
  const onScreen = process.stderr.isTTY === true;
  const say = () => {
    const line = progressLine(fleet.read(), options.appliances, performance.now() - started_ms);
    io.err(onScreen ? `\r\u001b[K${line}` : `${line}\n`);
  };
  const timer = setInterval(say, onScreen ? PROGRESS_SCREEN_MS : PROGRESS_FILE_MS);
  const over = Promise.withResolvers<void>();
  const end = options.for === undefined ? undefined : setTimeout(over.resolve, options.for * 1000);
  await Promise.race([signalled, over.promise]);
  clearTimeout(end);
  clearInterval(timer);
  if (onScreen) io.err('\n');
}

function oddsOf({ failure, rollback, silent }: SimulateOptions) {
  if (failure + rollback + silent > 100)
    throw new BulkheadError('SIMULATE_ODDS', 'more than every order would go wrong', {
      hint: '--failure, --rollback and --silent are shares of the same orders: together at most 100',
    });
  return { failure: failure / 100, rollback: rollback / 100, silent: silent / 100 };
}

type Summary = { server: string; appliances: number; seed: string; duration_s: number } & Tally;

function summaryText(summary: Summary): string {
  const { heartbeat_ms, orders, refusals } = summary;
  const refused = Object.entries(refusals).map(([code, count]) => `${code} ${count}`);
  return [
    `${summary.appliances} appliances at ${summary.server} for ${summary.duration_s} s, seed '${summary.seed}'`,
    `  let in      ${summary.let_in}; ${summary.waiting} waiting, ${summary.gone} gone`,
    `  heartbeats  ${summary.heartbeats}, of them ${summary.in_session} with a session key; median ${heartbeat_ms.median} ms, p99 ${heartbeat_ms.p99} ms, longest ${heartbeat_ms.longest} ms`,
    `  reports     ${summary.state_reports} of their state, ${summary.site_reports} of their sites`,
    `  orders      ${orders.received}: ${orders.succeeded} succeeded, ${orders.failed} failed, ${orders.refused} refused`,
    `  refused     ${refused.length === 0 ? 'none' : refused.join(', ')}; ${summary.unanswered} unanswered`,
  ].join('\n');
}

function percent(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value > 100)
    throw new InvalidArgumentError('a number from 0 to 100 is needed');
  return value;
}
