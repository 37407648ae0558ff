import type { DeviceDrift } from '../rollouts/run/read-drift.ts';
import {
  type ApiCommandOptions,
  apiOf,
  printOne,
  printRows,
  queryOf,
  withApiOptions,
} from './api-command.ts';
import type { RegisterCommand } from './command.ts';

/** `bulkhead-coordinator drift`. */
export const registerDrift: RegisterCommand = (program, io) => {
  withApiOptions(program.command('drift').description('show how far the fleet is from what it should run'))
    .option('--device <id>', 'one appliance')
    .option('--state <state>', 'up_to_date, behind, ahead, unknown or no_deployment')
    .option('--after <id>', 'the last one of the page before')
    .action(async (options: ApiCommandOptions & { device?: string; state?: string; after?: string }) => {
      const { device, state, after } = options;
      const api = await apiOf(options);
      if (device !== undefined) {
        printOne(io, await api.call('GET', `/api/v1/devices/${encodeURIComponent(device)}/drift`));
        return;
      }
      const { devices } = (await api.call('GET', `/api/v1/drift${queryOf({ state, after })}`)) as {
        devices: DeviceDrift[];
      };
      await printRows(
        io,
        options,
        devices,
        ['appliance', 'state', 'releases', 'runs', 'should run'],
        (row) => [...[row.device_id, row.state, row.releases, row.running, row.desired]],
      );
    });
};
