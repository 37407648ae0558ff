import { printFacts } from '../../base/command-line.ts';
import type { RegisterCommand } from './command.ts';

/** `bulkhead version`: which program, which image, which slot. */
export const registerVersion: RegisterCommand = (program, io) => {
  program
    .command('version')
    .description('show the versions of the program and of the image, the slot and the kernel')
    .option('--json', 'print facts as JSON')
    .addHelpText(
      'after',
      `
Works without the agent.

Example:
  bulkhead version --json | jq -r .image.version`,
    )
    .action(async (options: { json?: true }) => {
      const { APPLIANCE_PATHS } = await import('../facts/fact-context.ts');
      const { formatVersionFacts, readVersionFacts } = await import('../facts/version-facts.ts');
      const facts = readVersionFacts(APPLIANCE_PATHS);
      printFacts(io, options.json, facts, () => formatVersionFacts(facts));
    });
};
