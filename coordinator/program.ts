import { Command } from 'commander';
import { type CommandIo, runCommandLine } from '../base/command-line.ts';
import { VERSION } from '../base/version.ts';
import { registerAlarm } from './commands/alarm.ts';
import { registerAudit } from './commands/audit.ts';
import { registerBackup } from './commands/backup.ts';
import { registerChannel } from './commands/channel.ts';
import { registerDevice } from './commands/device.ts';
import { registerDrift } from './commands/drift.ts';
import { registerEvidence } from './commands/evidence.ts';
import { registerJob } from './commands/job.ts';
import { registerOrder } from './commands/order.ts';
import { registerPeople } from './commands/people.ts';
import { registerPolicy } from './commands/policy.ts';
import { registerProject } from './commands/project.ts';
import { registerRelease } from './commands/release.ts';
import { registerRollout } from './commands/rollout.ts';
import { registerRules } from './commands/rules.ts';
import { registerServe } from './commands/serve.ts';
import { registerSimulate } from './commands/simulate.ts';
import { registerSite } from './commands/site.ts';
import { registerWorker } from './commands/worker.ts';

/** The coordinator and what operators do with it: one executable, one sub-command a role. */
function makeProgram(): Command {
  return new Command('bulkhead-coordinator')
    .description('central service of a fleet of appliances')
    .version(VERSION, '-V, --version', 'version of this program')
    .showHelpAfterError()
    .showSuggestionAfterError();
}

/** @param program what its commands inherit has to be set before */
function registerAll(program: Command, io: CommandIo): Command {
  for (const register of [
    registerAlarm,
    registerAudit,
    registerBackup,
    registerChannel,
    registerDevice,
    registerDrift,
    registerEvidence,
    registerJob,
    registerOrder,
    registerPeople,
    registerPolicy,
    registerProject,
    registerRelease,
    registerRollout,
    registerRules,
    registerServe,
    registerSimulate,
    registerSite,
    registerWorker,
  ])
    register(program, io);
  return program;
}

/** Runs one command line to its end, see runCommandLine. @param args behind the name of the program */
export function runProgram(args: readonly string[], io: CommandIo): Promise<void> {
  return runCommandLine(makeProgram(), (program) => registerAll(program, io), args, io);
}
