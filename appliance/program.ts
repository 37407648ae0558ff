import { Command } from 'commander';
import { type CommandIo, runCommandLine } from '../base/command-line.ts';
import { VERSION } from '../base/version.ts';
import { registerBootLog } from './boot-log/command.ts';
import { registerAgent } from './commands/agent.ts';
import { registerBundle } from './commands/bundle.ts';
import { registerCompliance } from './commands/compliance.ts';
import { registerConfig } from './commands/config.ts';
import { registerEvidence } from './commands/evidence.ts';
import { registerFindings } from './commands/findings.ts';
import { registerFirewall } from './commands/firewall.ts';
import { registerHealing } from './commands/healing.ts';
import { registerHealthGate } from './commands/health-gate.ts';
import { registerInstall } from './commands/install.ts';
import { registerOrders } from './commands/orders.ts';
import { registerSecrets } from './commands/secrets.ts';
import { registerSensors } from './commands/sensors.ts';
import { registerSetup } from './commands/setup.ts';
import { registerSite } from './commands/site.ts';
import { registerSlots } from './commands/slots.ts';
import { registerStatus } from './commands/status.ts';
import { registerTargets } from './commands/targets.ts';
import { registerUpdate } from './commands/update.ts';
import { registerVersion } from './commands/version.ts';

/** Every role on the box: one executable, one sub-command a role. */
export function makeProgram(): Command {
  return new Command('bulkhead')
    .description('firmware of an unattended appliance')
    .version(VERSION, '-V, --version', 'version of this program')
    .showHelpAfterError()
    .showSuggestionAfterError();
}

/** @param program what its commands inherit has to be set before */
export function registerAll(program: Command, io: CommandIo): Command {
  for (const register of [
    registerAgent,
    registerBootLog,
    registerBundle,
    registerCompliance,
    registerConfig,
    registerEvidence,
    registerFindings,
    registerFirewall,
    registerHealing,
    registerHealthGate,
    registerInstall,
    registerOrders,
    registerSecrets,
    registerSensors,
    registerSetup,
    registerSite,
    registerSlots,
    registerStatus,
    registerTargets,
    registerUpdate,
    registerVersion,
  ])
    register(program, io);
  return program;
}

/** Runs one command line to its end, see runCommandLine. @param args behind the name of the program */
export function runProgram(args: readonly string[], io: CommandIo): Promise<void> {
  return runCommandLine(makeProgram(), (program) => registerAll(program, io), args, io);
}
