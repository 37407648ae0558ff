import {
  type ApiCommandOptions,
  apiOf,
  printOne,
  printRows,
  queryOf,
  withApiOptions,
} from './api-command.ts';
import type { RegisterCommand } from './command.ts';

interface AlarmLine {
  id: string;
  kind: string;
  severity: string;
  message: string;
  opened_ms: number;
  closed_ms: number | null;
  acknowledged_by: string | null;
}

const at = (id: string, more = '') => `/api/v1/alarms/${encodeURIComponent(id)}${more}`;

/** `bulkhead-coordinator alarm …`. */
export const registerAlarm: RegisterCommand = (program, io) => {
  const alarm = program.command('alarm').description('what is wrong');
  withApiOptions(alarm.command('list').description('list open alarms, newest first'))
    .option('--state <state>', 'open, closed or all')
    .option('--kind <kind>', 'such as appliance_silent')
    .option('--before <id>', 'the last one of the page before')
    .action(async (options: ApiCommandOptions & { state?: string; kind?: string; before?: string }) => {
      const { state, kind, before } = options;
      const path = `/api/v1/alarms${queryOf({ state, kind, before })}`;
      const { alarms } = (await (await apiOf(options)).call('GET', path)) as { alarms: AlarmLine[] };
      const head = ['id', 'since', 'until', 'severity', 'kind', 'acknowledged', 'what'];
      await printRows(io, options, alarms, head, (row, time) => [
        ...[row.id, time(row.opened_ms), time(row.closed_ms), row.severity, row.kind],
        ...[row.acknowledged_by, row.message],
      ]);
    });
  withApiOptions(alarm.command('show').description('show one alarm'))
    .argument('<id>')
    .action(async (id: string, options: ApiCommandOptions) => {
      printOne(io, await (await apiOf(options)).call('GET', at(id)));
    });
  withApiOptions(alarm.command('acknowledge').description('say that you have seen it; it closes by itself'))
    .argument('<id>')
    .requiredOption('--note <text>', 'what you do about it')
    .action(async (id: string, options: ApiCommandOptions & { note: string }) => {
      await (await apiOf(options)).call('POST', at(id, '/acknowledge'), { note: options.note });
    });
};
