#!/usr/bin/env bun
import { Command } from 'commander';
import { BulkheadError, describeError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
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

/** Entry point of every role on the box: one executable, one sub-command a role. */
const io: CommandIo = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  setExitCode: (code) => {
    process.exitCode = code;
  },
};

const program = new Command('bulkhead')
  .description('Firmware of an unattended appliance')
  .version(VERSION, '-V, --version', 'version of this program')
  .showHelpAfterError()
  .showSuggestionAfterError();

for (const register of [
  registerAgent,
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

try {
  await program.parseAsync();
} catch (error) {
  if (process.argv.includes('--json')) {
    const known = error instanceof BulkheadError;
    const facts = {
      code: known ? error.code : 'INTERNAL',
      message: describeError(error),
      hint: (known && error.hint) || null,
    };
    io.err(`${JSON.stringify({ error: facts }, null, 2)}\n`);
  } else {
    io.err(`error: ${describeError(error)}\n`);
    if (error instanceof BulkheadError && error.hint) io.err(`       ${error.hint}\n`);
  }
  process.exitCode = 1;
}
