import { join } from 'node:path';
import { printFacts } from '../../base/command-line.ts';
import { AGENT_STORE_FOLDER } from '../../base/paths.ts';
import type { RegisterCommand } from './command.ts';

interface OrdersCliOptions {
  json?: true;
  folder: string;
}

/** `bulkhead orders`: what the coordinator has ordered, and what became of it. */
export const registerOrders: RegisterCommand = (program, io) => {
  const orders = program
    .command('orders')
    .description('show what the coordinator has ordered, and what became of it (root)')
    .option('--json', 'print facts as JSON')
    .option('--folder <path>', 'folder of the agent', AGENT_STORE_FOLDER)
    .addHelpText(
      'after',
      `
Latest first. What each order does is in the documentation (reference, orders).

Example:
  sudo bulkhead orders --json | jq '.[] | select(.state == "failed")'`,
    )
    .action(async ({ json, folder }: OrdersCliOptions) => {
      const { readBook } = await import('../orders/book.ts');
      const { BOOK_FILE } = await import('../orders/book-table.ts');
      const { ORDERS_SHOWN } = await import('../orders/limits.ts');
      const { ordersText } = await import('../orders/present.ts');
      const entries = readBook(join(folder, BOOK_FILE), ORDERS_SHOWN);
      printFacts(io, json, entries, () => ordersText(entries));
    });
  orders
    .command('run-power-request', { hidden: true })
    .description('reboot, or return to the slot before, as the agent asks (run by its unit)')
    .action(async () => {
      const { APPLIANCE_POWER_TOOLS, servePower } = await import('../power/serve.ts');
      const { message } = await servePower(APPLIANCE_POWER_TOOLS);
      io.out(`${message}\n`);
    });
};
