import type { Command } from 'commander';
import { type CommandIo, printFacts } from '../../base/command-line.ts';
import type { InstallCommandOptions } from '../update/install-command.ts';
import type { UpdateTools } from '../update/update-tools.ts';
import type { RegisterCommand } from './command.ts';

interface JsonOption {
  json?: true;
}

export const registerUpdate: RegisterCommand = (program, io) =>
  registerUpdateWith(
    program,
    io,
    async () => (await import('../update/update-tools.ts')).APPLIANCE_UPDATE_TOOLS,
  );

/** `bulkhead update` on the given tools. What a command does is in appliance/update, loaded when it is asked for. */
function registerUpdateWith(program: Command, io: CommandIo, tools: () => Promise<UpdateTools>): void {
  const update = program
    .command('update')
    .description('install releases into the other slot, and see how they fared');
  registerInstall(update, io, tools);
  registerQuestions(update, io, tools);
  registerOperations(update, io, tools);
}

function registerInstall(update: Command, io: CommandIo, tools: () => Promise<UpdateTools>): void {
  update
    .command('install [bundle...]')
    .description('fetch a release into the slot that does not run, and try it on the next boot (root)')
    .option('--reboot', 'reboot into it: at once, or in the maintenance window where update.window is set')
    .option('--delta-only', 'take what the running slot has and fetch the rest; never the whole bundle')
    .option('--max-fetch <size>', 'refuse to fetch more than this, e.g. 20M (default: update.data_cap_mib)')
    .option('--limit-rate <size>', 'bytes a second, e.g. 500K (default: update.bandwidth_limit_kib_s)')
    .option('--ca <file>', 'trust the certificates in this PEM file for https')
    .option('--allow-downgrade', 'install a release that is older than the one that runs')
    .option('--retry-rejected', 'try a release again that was given up before')
    .option('--any-hardware', 'install a release that is made for other hardware')
    .option('--detach', 'leave it to the updater service and return; follow it with update status')
    .option('--json', 'one JSON object a line: every event, then the result')
    .addHelpText(
      'after',
      `
A bundle is a file, or one or more URLs of the same file on different servers; without one update.url is taken. The
cheapest way that works is used: a delta NAME.from-… beside it, single blocks, the whole bundle. What was broken off
goes on where it stopped. Interrupting changes nothing about the running slot.

Examples:
  sudo bulkhead update install https://releases.example.org/bulkhead-1.3.0.bundle --reboot
  sudo bulkhead update install /media/bulkhead-1.3.0.bundle
  sudo bulkhead update install https://a.example.org/b.bundle https://b.example.org/b.bundle --delta-only --max-fetch 20M`,
    )
    .action(async (locations: string[], options: InstallCommandOptions) => {
      const { installCommand } = await import('../update/install-command.ts');
      await installCommand(await tools(), io, locations, options);
    });
}

function registerQuestions(update: Command, io: CommandIo, tools: () => Promise<UpdateTools>): void {
  update
    .command('status', { isDefault: true })
    .description(
      'show which version runs, what is on its way, how the last updates ended and what is not tried again',
    )
    .option('--json', 'print facts as JSON')
    .addHelpText('after', '\nExample:\n  bulkhead update status --json | jq -r .state')
    .action(async (options: JsonOption) => {
      const { inspectUpdate, updateText } = await import('../update/status.ts');
      const facts = await inspectUpdate(await tools());
      printFacts(io, options.json, facts, () => updateText(facts));
    });
  update
    .command('check [bundle...]')
    .description('ask whether a release could be installed, without installing it (root)')
    .option('--ca <file>', 'trust the certificates in this PEM file for https')
    .option('--json', 'print facts as JSON')
    .addHelpText('after', '\nExit status: 0 when it could, 1 with the reason when not.')
    .action(async (locations: string[], options: { ca?: string; json?: true }) => {
      const { checkRelease, checkText } = await import('../update/check.ts');
      const facts = await checkRelease(await tools(), locations, options.ca);
      if (!facts.installable) io.setExitCode(1);
      printFacts(io, options.json, facts, () => checkText(facts));
    });
}

function registerOperations(update: Command, io: CommandIo, tools: () => Promise<UpdateTools>): void {
  update
    .command('rollback')
    .description('return to the release in the other slot, on trial, with the next boot (root)')
    .option('--reboot', 'reboot into it: at once, or in the maintenance window where update.window is set')
    .option('--json', 'print facts as JSON')
    .addHelpText(
      'after',
      `
While the release that runs is on trial this gives it up: the health gate commits it no more, and it is not installed
again by itself. It has to be left at once then; --reboot does so in or outside the maintenance window.`,
    )
    .action(async (options: { reboot?: true; json?: true }) => {
      const { rollBackCommand } = await import('../update/operate.ts');
      const report = await rollBackCommand(await tools(), options.reboot === true);
      printFacts(io, options.json, report, () => report.message);
    });
  update
    .command('cancel')
    .description('take back what is to be tried on the next boot: the slot that runs stays (root)')
    .option('--json', 'print facts as JSON')
    .addHelpText(
      'after',
      `
For a release that waits for its maintenance window, or a roll-back that waits for a reboot. What has been installed stays
in its slot and is not started; a release on trial is left with 'bulkhead update rollback'.`,
    )
    .action(async (options: JsonOption) => {
      const { cancelUpdate } = await import('../update/cancel.ts');
      const report = await cancelUpdate(await tools());
      printFacts(io, options.json, report, () => report.message);
    });
  update
    .command('forget')
    .description('empty the list of releases that were given up, so that they can be installed again (root)')
    .option('--keys', 'instead: remove the key sets that came with releases, where they are damaged')
    .option('--json', 'print facts as JSON')
    .action(async (options: JsonOption & { keys?: true }) => {
      const { forgetUpdates } = await import('../update/operate.ts');
      const report = await forgetUpdates(await tools(), options.keys === true);
      printFacts(io, options.json, report, () => report.message);
    });
  const internal = (
    name: string,
    description: string,
    act: (tools: UpdateTools) => Promise<{ message: string }>,
  ) =>
    update
      .command(name, { hidden: true })
      .description(description)
      .option('--json', 'print facts as JSON')
      .action(async (options: JsonOption) => {
        const report = await act(await tools());
        printFacts(io, options.json, report, () => report.message);
      });
  internal(
    'conclude',
    'after the health gate: write down what became of an update (run by its unit)',
    async (given) => (await import('../update/conclude.ts')).concludePending(given),
  );
  internal(
    'reboot-when-due',
    'reboot into an armed slot when the window is open (run by its timer)',
    async (given) => (await import('../update/reboot-when-due.ts')).rebootWhenDue(given),
  );
  internal(
    'run-request',
    'install what an operator or the agent asked for (run by its unit)',
    async (given) => (await import('../update/serve-request.ts')).serveRequest(given, io),
  );
}
