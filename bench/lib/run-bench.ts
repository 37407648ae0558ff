import type { Command } from 'commander';
import { errorLines } from '../../base/errors.ts';

/** Runs a bench to its end: reads the command line, measures, tells what went wrong, and leaves with the status of that. */
export async function runBench<Options extends object>(
  program: Command,
  measure: (options: Options) => Promise<void>,
): Promise<never> {
  try {
    program.parse();
    await measure(program.opts<Options>());
  } catch (error) {
    process.stderr.write(errorLines(error));
    process.exitCode = 1;
  }
  // A connection to what was measured may still be open.
  process.exit();
}
