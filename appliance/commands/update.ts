import { printFacts, type RegisterCommand } from './command.ts';

export const registerUpdate: RegisterCommand = (program, io) => {
  const update = program.command('update').description('how the last update stands');
  update
    .command('status')
    .description('Shows which version runs, what waits for a boot and what was given up.')
    .option('--json', 'print facts as JSON')
    .addHelpText('after', '\nExample:\n  bulkhead update status --json | jq -r .state')
    .action(async (options: { json?: true }) => {
      const { inspectSlots } = await import('../slots/present.ts');
      const { APPLIANCE_TOOLS } = await import('../slots/slots-tools.ts');
      const { updateStatus } = await import('../../updater/update-status.ts');
      const facts = updateStatus(await inspectSlots(APPLIANCE_TOOLS));
      printFacts(io, options.json, facts, () => `${facts.state}: ${facts.message}`);
    });
};
