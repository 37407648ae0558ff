import { Command, CommanderError } from 'commander';
import { BulkheadError, describeError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import { registerBootLog } from './boot-log/command.ts';
import { registerAgent } from './commands/agent.ts';
import { registerBundle } from './commands/bundle.ts';
import type { CommandIo } from './commands/command.ts';
import { registerConfig } from './commands/config.ts';
import { registerFirewall } from './commands/firewall.ts';
import { registerHealthGate } from './commands/health-gate.ts';
import { registerInstall } from './commands/install.ts';
import { registerSetup } from './commands/setup.ts';
import { registerSlots } from './commands/slots.ts';
import { registerStatus } from './commands/status.ts';
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
    registerConfig,
    registerFirewall,
    registerHealthGate,
    registerInstall,
    registerSetup,
    registerSlots,
    registerStatus,
    registerUpdate,
    registerVersion,
  ])
    register(program, io);
  return program;
}

/**
 * Runs one command line to its end. Whatever goes wrong is told on standard error, as text or, where `--json` was asked for,
 * as `{"error":{"code","message","hint"}}`, a wrong command line included. Never throws.
 *
 * @param args behind the name of the program
 */
export async function runProgram(args: readonly string[], io: CommandIo): Promise<void> {
  const asJson = args.includes('--json');
  const program = makeProgram()
    .exitOverride()
    // With --json the usage would stand beside the JSON, and no program could read that.
    .configureOutput({ writeOut: io.out, writeErr: asJson ? () => undefined : io.err });
  try {
    await registerAll(program, io).parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version end this way, too.
      io.setExitCode(error.exitCode);
      if (error.exitCode !== 0 && asJson) io.err(errorJson(usageError(error)));
      return;
    }
    io.setExitCode(1);
    if (asJson) io.err(errorJson(error));
    else {
      io.err(`error: ${describeError(error)}\n`);
      if (error instanceof BulkheadError && error.hint) io.err(`       ${error.hint}\n`);
    }
  }
}

function usageError(error: CommanderError): BulkheadError {
  const missing = error.code === 'commander.help';
  const message = missing ? 'a sub-command is missing' : error.message.replace(/^error: /, '');
  return new BulkheadError('COMMAND_USAGE', message, {
    hint: "'bulkhead help' lists the commands, and --help behind one of them its options",
  });
}

function errorJson(error: unknown): string {
  const known = error instanceof BulkheadError;
  const described = describeError(error);
  const facts = {
    code: known ? error.code : 'INTERNAL',
    // The code has a field of its own.
    message: known ? described.slice(`${error.code}: `.length) : described,
    hint: (known && error.hint) || null,
  };
  return `${JSON.stringify({ error: facts }, null, 2)}\n`;
}
