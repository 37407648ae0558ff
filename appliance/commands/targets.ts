import { printFacts } from '../../base/command-line.ts';
import { SITE_CONTROL_SOCKET } from '../../base/paths.ts';
import { formatTable } from '../../base/table.ts';
import type { TargetStatus } from '../healing/targets/poller.ts';
import type { TargetList } from '../healing/targets/start-targets.ts';
import type { RegisterCommand } from './command.ts';

/** `bulkhead targets`: the machines without a sensor, and how they were at the last look. */
export const registerTargets: RegisterCommand = (program, io) => {
  program
    .command('targets')
    .description('machines without a sensor that the appliance looks at itself (root)')
    .option('--socket <path>', 'the socket of the service', SITE_CONTROL_SOCKET)
    .option('--json', 'print facts as JSON')
    .addHelpText('after', '\nExample:\n  sudo bulkhead targets --json')
    .action(async ({ json, socket }: { json?: true; socket: string }) => {
      const { callSite } = await import('../site/control/client.ts');
      // It is the same program: no other schema than its own.
      const { targets } = (await callSite('/v1/targets', { socket })) as TargetList;
      printFacts(io, json, targets, () =>
        targets.length === 0
          ? "none is declared; they stand in the configuration under 'targets'"
          : formatTable(
              ['name', 'address', 'way', 'tier', 'looked at', 'state'],
              targets.map((each) => [
                ...[each.name, each.address, each.way, each.tier, each.looked_at ?? '-', stateOf(each)],
              ]),
            ),
      );
    });
};

function stateOf({ reachable, failing }: TargetStatus): string {
  if (reachable === null) return 'not looked at yet';
  if (!reachable) return 'not reachable';
  return failing.length === 0 ? 'in order' : `not in order: ${failing.join(', ')}`;
}
