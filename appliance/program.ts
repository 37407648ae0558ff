import { Command } from 'commander';
import { type CommandIo, runCommandLine } from '../base/command-line.ts';
import { VERSION } from '../base/version.ts';
import type { RegisterCommand } from './commands/command.ts';

/**
 * Every role on the box: one executable, one sub-command a role. Each is read when it is called for, because a helper that runs for a
 * moment beside the agent should not carry the other twenty in its memory.
 */
const COMMANDS: Readonly<Record<string, () => Promise<RegisterCommand>>> = {
  agent: async () => (await import('./commands/agent.ts')).registerAgent,
  'boot-log': async () => (await import('./boot-log/command.ts')).registerBootLog,
  bundle: async () => (await import('./commands/bundle.ts')).registerBundle,
  compliance: async () => (await import('./commands/compliance.ts')).registerCompliance,
  config: async () => (await import('./commands/config.ts')).registerConfig,
  evidence: async () => (await import('./commands/evidence.ts')).registerEvidence,
  findings: async () => (await import('./commands/findings.ts')).registerFindings,
  firewall: async () => (await import('./commands/firewall.ts')).registerFirewall,
  healing: async () => (await import('./commands/healing.ts')).registerHealing,
  'health-gate': async () => (await import('./commands/health-gate.ts')).registerHealthGate,
  install: async () => (await import('./commands/install.ts')).registerInstall,
  orders: async () => (await import('./commands/orders.ts')).registerOrders,
  secrets: async () => (await import('./commands/secrets.ts')).registerSecrets,
  sensors: async () => (await import('./commands/sensors.ts')).registerSensors,
  setup: async () => (await import('./commands/setup.ts')).registerSetup,
  site: async () => (await import('./commands/site.ts')).registerSite,
  slots: async () => (await import('./commands/slots.ts')).registerSlots,
  status: async () => (await import('./commands/status.ts')).registerStatus,
  targets: async () => (await import('./commands/targets.ts')).registerTargets,
  update: async () => (await import('./commands/update.ts')).registerUpdate,
  version: async () => (await import('./commands/version.ts')).registerVersion,
};

/** The program without its commands. */
export function makeProgram(): Command {
  return new Command('bulkhead')
    .description('firmware of an unattended appliance')
    .version(VERSION, '-V, --version', 'version of this program')
    .showHelpAfterError()
    .showSuggestionAfterError();
}

/**
 * Adds the command that is asked for, or all of them where none is: for the help, and for suggestions.
 *
 * @param program what its commands inherit has to be set before
 * @param args behind the name of the program
 */
export async function registerFor(
  program: Command,
  io: CommandIo,
  [word = '']: readonly string[],
): Promise<Command> {
  const own = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined;
  for (const load of own ? [own] : Object.values(COMMANDS)) (await load())(program, io);
  return program;
}

/** Runs one command line to its end, see runCommandLine. @param args behind the name of the program */
export function runProgram(args: readonly string[], io: CommandIo): Promise<void> {
  return runCommandLine(makeProgram(), (program) => registerFor(program, io, args), args, io);
}
