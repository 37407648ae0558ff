import type { ChainStanding } from '../evidence/list.ts';
import { type ApiCommandOptions, apiOf, printOne, printRows, withApiOptions } from './api-command.ts';
import type { RegisterCommand } from './command.ts';

/** `bulkhead-coordinator evidence`: what appliances have put on record. */
export const registerEvidence: RegisterCommand = (program, io) => {
  const evidence = program.command('evidence').description('what appliances have put on record');
  const of = (device: string) => `/api/v1/devices/${encodeURIComponent(device)}/evidence`;
  withApiOptions(
    evidence.command('list').description('chains of an appliance, and whether they contradict themselves'),
  )
    .argument('<device>')
    .action(async (device: string, options: ApiCommandOptions) => {
      const { chains } = (await (await apiOf(options)).call('GET', of(device))) as {
        chains: ChainStanding[];
      };
      const head = ['chain', 'since', 'countersigned', 'at', 'segments', 'trouble'];
      await printRows(io, options, chains, head, (row, time) => [
        ...[row.chain, time(row.first_ms), row.last_seq, time(row.last_ms), row.segments, row.trouble],
      ]);
    });
  withApiOptions(
    evidence
      .command('checkpoints')
      .description(
        'print what was countersigned, with the keys, for: bulkhead evidence verify --checkpoints FILE',
      ),
  )
    .argument('<device>')
    .action(async (device: string, options: ApiCommandOptions) => {
      printOne(io, await (await apiOf(options)).call('GET', `${of(device)}/checkpoints`));
    });
  withApiOptions(
    evidence
      .command('settle')
      .description('let a chain go on that contradicts itself, and that somebody has looked into'),
  )
    .argument('<device>')
    .argument('<chain>')
    .requiredOption('--reason <text>', 'for the audit log')
    .action(async (device: string, chain: string, options: ApiCommandOptions & { reason: string }) => {
      const path = `${of(device)}/chains/${encodeURIComponent(chain)}/settle`;
      await (await apiOf(options)).call('POST', path, { reason: options.reason });
    });
  withApiOptions(evidence.command('records').description('print the records of a chain that are kept here'))
    .argument('<device>')
    .argument('<chain>')
    .action(async (device: string, chain: string, options: ApiCommandOptions) => {
      const { body } = await (await apiOf(options)).stream(
        `${of(device)}/chains/${encodeURIComponent(chain)}`,
      );
      const decoder = new TextDecoder();
      for await (const chunk of body ?? []) io.out(decoder.decode(chunk, { stream: true }));
    });
};
