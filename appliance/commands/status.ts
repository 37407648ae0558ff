import { type CommandIo, printFacts } from '../../base/command-line.ts';
import type { RegisterCommand } from './command.ts';

interface StatusCliOptions {
  json?: true;
  watch?: true;
  url: string;
}

/** `bulkhead status`: the page's facts in a terminal. */
export const registerStatus: RegisterCommand = (program, io) => {
  program
    .command('status')
    .description('show how the appliance is doing, as the running agent tells it')
    .option('--json', 'print everything the page knows as JSON')
    .option('--watch', 'print again whenever something changes, until interrupted')
    .option('--url <url>', 'where the agent answers', 'http://localhost')
    .addHelpText(
      'after',
      `
Exit status: 0 healthy, 1 unhealthy or no answer from the agent, 2 not judged yet.

Examples:
  bulkhead status
  bulkhead status --json | jq .boot
  bulkhead status --watch --url http://localhost:8080`,
    )
    .action(async (options: StatusCliOptions) => {
      if (options.watch) await watchStatus(io, options);
      else await printStatus(io, options);
    });
};

async function printStatus(io: CommandIo, { url, json }: StatusCliOptions): Promise<void> {
  const { askStatus, exitCodeOf } = await import('../agent/ask-status.ts');
  const { summariseStatus } = await import('../console/status-summary.ts');
  const status = await askStatus(url);
  io.setExitCode(exitCodeOf(status));
  printFacts(io, json, status, () => summariseStatus(status));
}

/** Prints a status for every change that lasts (not for every second of uptime), one JSON object a line with --json. */
async function watchStatus(io: CommandIo, { url, json }: StatusCliOptions): Promise<void> {
  const { askStatus, exitCodeOf } = await import('../agent/ask-status.ts');
  const { lastingFacts } = await import('../agent/status-keeper.ts');
  const { WATCH_INTERVAL_MS } = await import('../agent/limits.ts');
  const { summariseStatus } = await import('../console/status-summary.ts');
  const { describeError } = await import('../../base/errors.ts');
  let shown = '';
  for (;;) {
    try {
      const status = await askStatus(url);
      io.setExitCode(exitCodeOf(status));
      const lasting = lastingFacts(status);
      if (lasting !== shown) io.out(json ? `${JSON.stringify(status)}\n` : `${summariseStatus(status)}\n\n`);
      shown = lasting;
    } catch (error) {
      // A restart of the agent is one of the things a person watches for.
      io.setExitCode(1);
      const words = describeError(error);
      if (words !== shown) io.err(`${words}\n`);
      shown = words;
    }
    await Bun.sleep(WATCH_INTERVAL_MS);
  }
}
