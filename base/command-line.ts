import { type Command, CommanderError } from 'commander';
import { BulkheadError, describeError, errorLines } from './errors.ts';

/** Where a command prints; handed in so that tests can read it. */
export interface CommandIo {
  out(text: string): void;
  err(text: string): void;
  /** Exit status of the process once the command is done; 0 unless set. */
  setExitCode(code: number): void;
}

/**
 * Runs one command line to its end. Whatever goes wrong is told on standard error, as text or, where `--json` was asked for,
 * as `{"error":{"code","message","hint"}}`, a wrong command line included. Never throws.
 *
 * @param args behind the name of the program
 * @param register adds the commands, and may take its time; what they inherit has been set before
 */
export async function runCommandLine(
  program: Command,
  register: (program: Command) => unknown,
  args: readonly string[],
  io: CommandIo,
): Promise<void> {
  const asJson = args.includes('--json');
  program
    .exitOverride()
    // With --json the usage would stand beside the JSON, and no program could read that.
    .configureOutput({ writeOut: io.out, writeErr: asJson ? () => undefined : io.err });
  try {
    await register(program);
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version end this way, too.
      io.setExitCode(error.exitCode);
      if (error.exitCode !== 0 && asJson) io.err(errorJson(usageError(program.name(), error)));
      return;
    }
    io.setExitCode(1);
    if (asJson) io.err(errorJson(error));
    else io.err(errorLines(error));
  }
}

function usageError(name: string, error: CommanderError): BulkheadError {
  const missing = error.code === 'commander.help';
  const message = missing ? 'a sub-command is missing' : error.message.replace(/^error: /, '');
  return new BulkheadError('COMMAND_USAGE', message, {
    hint: `'${name} help' lists the commands, and --help behind one of them its options`,
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

/** Prints facts as JSON for programs or as text for people. */
export function printFacts(
  io: CommandIo,
  asJson: boolean | undefined,
  facts: unknown,
  text: () => string,
): void {
  io.out(asJson ? `${JSON.stringify(facts, null, 2)}\n` : `${text().trimEnd()}\n`);
}
