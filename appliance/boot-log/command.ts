import type { Command } from 'commander';
import { type CommandIo, printFacts } from '../../base/command-line.ts';
import { BulkheadError } from '../../base/errors.ts';
import { BOOT_LOG_FOLDER, BOOT_RECORD_FOLDER, PSTORE_BACKEND_FILE, PSTORE_FOLDER } from '../../base/paths.ts';
import type { RegisterCommand } from '../commands/command.ts';
import type { CollectPaths } from './collect.ts';
import { BOOT_LOG_LINES_SHOWN } from './limits.ts';

/** What the command needs from outside; a test hands in temporary folders. */
export interface BootLogTools {
  paths: CollectPaths & { backend: string };
  isRoot: () => boolean;
}

const APPLIANCE: BootLogTools = {
  paths: {
    records: BOOT_RECORD_FOLDER,
    pstore: PSTORE_FOLDER,
    logs: BOOT_LOG_FOLDER,
    backend: PSTORE_BACKEND_FILE,
  },
  isRoot: () => process.getuid?.() === 0,
};

interface ShowOptions {
  json?: true;
  slot?: string;
  lines: string;
}

export const registerBootLog: RegisterCommand = (program, io) => registerBootLogWith(program, io, APPLIANCE);

/** `bulkhead boot-log` on the given tools. */
export function registerBootLogWith(program: Command, io: CommandIo, tools: BootLogTools): void {
  const bootLog = program
    .command('boot-log')
    .description('show what the kernel logged in the boots before this one, and how they ended')
    .option('--json', 'as JSON, all lines of each log')
    .option('--slot <slot>', 'only boots of slot A or B')
    .option('--lines <count>', 'last lines of each log to show', String(BOOT_LOG_LINES_SHOWN))
    .addHelpText(
      'after',
      `
A log lives in memory until the next boot and is then kept on the data partition, the last eight of them.
It outlives a restart, a panic and the watchdog, not a loss of power. Boots on trial log what services say, too.

Examples:
  bulkhead boot-log --slot B          why slot B was given up
  bulkhead boot-log --lines 0         the boots alone
  sudo bulkhead boot-log collect      fetch what the last boot left (done at every start)`,
    )
    .action(async (options: ShowOptions) => {
      const { inspectBootLogs, bootLogsText } = await import('./present.ts');
      const { parseSlot } = await import('../../partitions/slot.ts');
      const slot = options.slot === undefined ? null : parseSlot(options.slot);
      const shown = lineCount(options.lines);
      const facts = inspectBootLogs(tools.paths, slot);
      printFacts(io, options.json, facts, () => bootLogsText(facts, shown));
    });

  bootLog
    .command('collect')
    .description('take the logs of ended boots out of memory and keep them on the data partition (root)')
    .option('--json', 'as JSON')
    .action(async (...given: unknown[]) => {
      if (!tools.isRoot()) {
        throw new BulkheadError('BOOTLOG_NEEDS_ROOT', 'only root may take the logs of ended boots', {
          hint: "sudo bulkhead boot-log collect; 'bulkhead boot-log' alone shows those that are kept",
        });
      }
      const { collectBootLogs } = await import('./collect.ts');
      const collected = collectBootLogs(tools.paths);
      const command = given.at(-1) as Command;
      printFacts(io, command.optsWithGlobals<{ json?: true }>().json, collected, () =>
        collected.added
          .map(({ number, slot, ending }) => `kept log ${number}: slot ${slot ?? 'unknown'}, ${ending}`)
          .join('\n'),
      );
    });
}

function lineCount(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new BulkheadError('BOOTLOG_LINES', `'${text}' is not a number of lines`, {
    hint: 'a whole number; 0 shows the boots alone',
  });
}
