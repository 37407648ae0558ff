import type { Command } from 'commander';
import type { CommandIo } from '../../base/command-line.ts';
import type { DeviceSummary } from '../devices/list.ts';
import {
  type ApiCommandOptions,
  addTag,
  apiOf,
  printOne,
  printRows,
  queryOf,
  withApiOptions,
} from './api-command.ts';
import type { RegisterCommand } from './command.ts';

interface WishOptions extends ApiCommandOptions {
  name?: string;
  tag?: Record<string, string>;
  replaces?: string;
}

/** `bulkhead-coordinator device …` and `enrolment-code …`. */
export const registerDevice: RegisterCommand = (program, io) => {
  const device = program.command('device').description('appliances and how they get in');
  registerLooking(device, io);
  registerDeciding(device, io);
  registerCodes(
    program.command('enrolment-code').description('codes that let appliances in by themselves'),
    io,
  );
};

function registerLooking(device: Command, io: CommandIo): void {
  withApiOptions(device.command('list').description('list appliances'))
    .option('--state <state>', 'pending, approved, refused, revoked or replaced')
    .option('--search <text>', 'part of name, host name, serial number or MAC address')
    .option('--after <id>', 'the last one of the page before')
    .action(async (options: ApiCommandOptions & { state?: string; search?: string; after?: string }) => {
      const { state, search, after } = options;
      const path = `/api/v1/devices${queryOf({ state, search, after })}`;
      const { devices } = (await (await apiOf(options)).call('GET', path)) as { devices: DeviceSummary[] };
      const head = ['id', 'state', 'presence', 'heard', 'name', 'version', 'serial'];
      await printRows(io, options, devices, head, (row, time) => [
        ...[
          row.id,
          row.state,
          row.presence,
          time(row.heard_ms),
          row.name ?? row.hostname,
          row.image_version,
          row.serial,
        ],
      ]);
    });
  withApiOptions(device.command('show').description('show one appliance with its present state'))
    .argument('<id>')
    .action(async (id: string, options: ApiCommandOptions) => {
      printOne(io, await (await apiOf(options)).call('GET', `/api/v1/devices/${encodeURIComponent(id)}`));
    });
  withApiOptions(device.command('changes').description('show what has changed on an appliance and why'))
    .argument('<id>')
    .action(async (id: string, options: ApiCommandOptions) => {
      printOne(
        io,
        await (await apiOf(options)).call('GET', `/api/v1/devices/${encodeURIComponent(id)}/changes`),
      );
    });
}

function registerDeciding(device: Command, io: CommandIo): void {
  withApiOptions(
    device.command('approve').description('let in a waiting appliance, by the code it shows or by its id'),
  )
    .argument('<code-or-id>')
    .option('--name <name>', 'what people call it')
    .option('--tag <name=value>', 'may be given several times', addTag)
    .option('--replaces <id>', 'the record whose place it takes: the same machine, installed anew')
    .action(async (which: string, options: WishOptions) => {
      const { name, tag: tags, replaces } = options;
      const api = await apiOf(options);
      const isId = /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(which);
      const path = isId ? `/api/v1/devices/${which}/approve` : '/api/v1/devices/approve';
      printOne(io, await api.call('POST', path, { ...(isId ? {} : { code: which }), name, tags, replaces }));
    });
  withApiOptions(device.command('end').description('refuse a waiting appliance, or revoke one that was in'))
    .argument('<id>')
    .requiredOption('--reason <text>', 'for the audit log')
    .action(async (id: string, options: ApiCommandOptions & { reason: string }) => {
      await (await apiOf(options)).call('POST', `/api/v1/devices/${encodeURIComponent(id)}/end`, {
        reason: options.reason,
      });
    });
  withApiOptions(device.command('describe').description('set name and tags of an appliance'))
    .argument('<id>')
    .option('--name <name>', 'what people call it')
    .option('--tag <name=value>', 'all tags it is to have; may be given several times', addTag)
    .action(async (id: string, { name, tag: tags, ...options }: WishOptions) => {
      await (await apiOf(options)).call('PATCH', `/api/v1/devices/${encodeURIComponent(id)}`, { name, tags });
    });
}

function registerCodes(codes: Command, io: CommandIo): void {
  withApiOptions(
    codes.command('create').description('make a code for config.yaml on a stick; it is shown this once'),
  )
    .requiredOption('--note <text>', 'what it is for')
    .option('--uses <number>', 'how many appliances it lets in', Number, 1)
    .option('--days <number>', 'how long it works', Number, 7)
    .option('--tag <name=value>', 'what they are tagged with; may be given several times', addTag)
    .action(
      async ({
        note,
        uses,
        days,
        tag: tags,
        ...options
      }: WishOptions & { note: string; uses: number; days: number }) => {
        const expires_ms = Date.now() + days * 86_400_000;
        printOne(
          io,
          await (await apiOf(options)).call('POST', '/api/v1/enrolment-codes', {
            note,
            uses_max: uses,
            expires_ms,
            tags,
          }),
        );
      },
    );
  withApiOptions(codes.command('list').description('list codes, the used ones included')).action(
    async (options: ApiCommandOptions) => {
      const answer = (await (await apiOf(options)).call('GET', '/api/v1/enrolment-codes')) as {
        codes: {
          id: string;
          note: string;
          uses_max: number;
          used: number;
          expires_ms: number;
          revoked_ms: number | null;
        }[];
      };
      await printRows(io, options, answer.codes, ['id', 'used', 'until', 'revoked', 'note'], (row, time) => [
        ...[row.id, `${row.used}/${row.uses_max}`, time(row.expires_ms), time(row.revoked_ms), row.note],
      ]);
    },
  );
  withApiOptions(codes.command('revoke').description('let a code let nobody in any more'))
    .argument('<id>')
    .action(async (id: string, options: ApiCommandOptions) => {
      await (await apiOf(options)).call('DELETE', `/api/v1/enrolment-codes/${encodeURIComponent(id)}`);
    });
}
