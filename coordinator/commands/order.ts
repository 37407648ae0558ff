import {
  type ApiCommandOptions,
  apiOf,
  jsonObject,
  printOne,
  printRows,
  queryOf,
  withApiOptions,
} from './api-command.ts';
import type { RegisterCommand } from './command.ts';

interface OrderLine {
  id: string;
  device_id: string;
  type: string;
  state: string;
  attempt: number;
  attempts_max: number;
  created_ms: number;
  result_message: string | null;
}

/** `bulkhead-coordinator order …`. */
export const registerOrder: RegisterCommand = (program, io) => {
  const order = program.command('order').description('work for appliances');
  withApiOptions(order.command('types').description('list what can be ordered')).action(
    async (options: ApiCommandOptions) => {
      const answer = (await (await apiOf(options)).call('GET', '/api/v1/order-types')) as {
        types: { type: string; timeout_s: number; attempts_max: number; complete_when: string }[];
      };
      await printRows(io, options, answer.types, ['type', 'deadline', 'attempts', 'complete when'], (row) => [
        ...[row.type, `${row.timeout_s} s`, row.attempts_max, row.complete_when],
      ]);
    },
  );
  withApiOptions(order.command('create').description('order something of an appliance'))
    .argument('<device>', 'id of the appliance')
    .argument('<type>', "one of 'order types'")
    .option('--parameters <json>', 'JSON object that fits the type', jsonObject, {})
    .option('--reason <text>', 'for the audit log')
    .action(
      async (
        device_id: string,
        type: string,
        options: ApiCommandOptions & { parameters: object; reason?: string },
      ) => {
        const { parameters, reason } = options;
        printOne(
          io,
          await (await apiOf(options)).call('POST', '/api/v1/orders', {
            device_id,
            type,
            parameters,
            reason,
          }),
        );
      },
    );
  withApiOptions(order.command('list').description('list orders, newest first'))
    .option('--device <id>', 'of one appliance')
    .option('--state <state>', 'in one state')
    .option('--dead', 'only those that ended without success')
    .action(async (options: ApiCommandOptions & { device?: string; state?: string; dead?: true }) => {
      const query = queryOf({ device_id: options.device, state: options.state, dead: options.dead });
      const { orders } = (await (await apiOf(options)).call('GET', `/api/v1/orders${query}`)) as {
        orders: OrderLine[];
      };
      const head = ['id', 'created', 'device', 'type', 'state', 'attempt', 'message'];
      await printRows(io, options, orders, head, (row, time) => [
        ...[
          row.id,
          time(row.created_ms),
          row.device_id,
          row.type,
          row.state,
          `${row.attempt}/${row.attempts_max}`,
        ],
        row.result_message,
      ]);
    });
  withApiOptions(order.command('show').description('show one order with its history and its log'))
    .argument('<id>')
    .action(async (id: string, options: ApiCommandOptions) => {
      printOne(io, await (await apiOf(options)).call('GET', `/api/v1/orders/${encodeURIComponent(id)}`));
    });
  withApiOptions(order.command('cancel').description('take an order back that was not accepted yet'))
    .argument('<id>')
    .action(async (id: string, options: ApiCommandOptions) => {
      await (await apiOf(options)).call('POST', `/api/v1/orders/${encodeURIComponent(id)}/cancel`);
    });
};
