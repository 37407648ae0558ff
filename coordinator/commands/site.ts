import type { FindingView } from '../site/findings.ts';
import type { SiteView } from '../site/read.ts';
import {
  type ApiCommandOptions,
  apiOf,
  printOne,
  printRows,
  queryOf,
  withApiOptions,
} from './api-command.ts';
import type { RegisterCommand } from './command.ts';

type FindingsOptions = ApiCommandOptions &
  Partial<Record<'state' | 'severity' | 'subject' | 'check' | 'device' | 'tag' | 'before' | 'limit', string>>;

/** `bulkhead-coordinator site`: what appliances see of the sites they stand in. */
export const registerSite: RegisterCommand = (program, io) => {
  const site = program.command('site').description('what appliances see of the sites they stand in');
  withApiOptions(site.command('list').description('sensors and open findings by appliance'))
    .option('--after <id>', 'the last one of the page before')
    .action(async (options: ApiCommandOptions & { after?: string }) => {
      const { after } = options;
      const { sites } = (await (await apiOf(options)).call('GET', `/api/v1/site${queryOf({ after })}`)) as {
        sites: SiteView[];
      };
      const head = ['appliance', 'id', 'told', 'live', 'silent', 'critical', 'high', 'other', 'healing'];
      await printRows(io, options, sites, head, ({ name, device_id, received_ms, ...row }, time) => [
        ...[name, device_id, time(received_ms), row.sensors.live, row.sensors.silent],
        ...[row.open.critical, row.open.high, row.open.medium + row.open.low + row.open.info],
        row.mode.replaceAll('_', ' '),
      ]);
    });
  withApiOptions(
    site.command('show').description('print all that an appliance has told, or the fleet together'),
  )
    .argument('[device]')
    .action(async (device: string | undefined, options: ApiCommandOptions) => {
      const path =
        device === undefined ? '/api/v1/site/summary' : `/api/v1/devices/${encodeURIComponent(device)}/site`;
      printOne(io, await (await apiOf(options)).call('GET', path));
    });
  withApiOptions(site.command('findings').description('findings of the fleet, newest first'))
    .option('--state <state>', 'open or closed', 'open')
    .option('--severity <severity>', 'info, low, medium, high or critical')
    .option('--check <name>', 'firewall, bitlocker, patches, …')
    .option('--subject <name>', 'appliance, a sensor (s-…) or a declared machine (t-…)')
    .option('--device <id>', 'of one appliance')
    .option('--tag <name=value>', 'of appliances with this tag')
    .option('--before <id>', 'the last one of the page before')
    .option('--limit <number>', 'how many')
    .action(async (options: FindingsOptions) => {
      const { state, severity, check, subject, device, tag, before, limit } = options;
      const query = queryOf({ state, severity, check, subject, device, tag, before, limit });
      const { findings } = (await (await apiOf(options)).call('GET', `/api/v1/findings${query}`)) as {
        findings: FindingView[];
      };
      const head = ['severity', 'check', 'on', 'appliance', 'opened', 'closed', 'control'];
      await printRows(io, options, findings, head, (row, time) => [
        ...[row.severity, row.check_type, `${row.hostname} (${row.subject})`, row.device_name],
        ...[time(row.opened_ms), time(row.closed_ms), row.control],
      ]);
    });
};
