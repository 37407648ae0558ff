import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { CommandIo } from '../../base/command-line.ts';
import { BulkheadError } from '../../base/errors.ts';
import {
  type ApiCommandOptions,
  apiOf,
  printOne,
  printRows,
  queryOf,
  withApiOptions,
} from './api-command.ts';
import type { RegisterCommand } from './command.ts';

interface ChannelLine {
  id: string;
  name: string;
  kind: string;
  url: string;
  room: string | null;
  least: string;
}

interface DeliveryLine {
  id: string;
  created_ms: number;
  channel_id: string;
  state: string;
  attempts: number;
  error: string | null;
}

/** `bulkhead-coordinator channel …`. */
export const registerChannel: RegisterCommand = (program, io) => {
  const channel = program.command('channel').description('where alarms are sent');
  registerAdding(channel, io);
  withApiOptions(channel.command('list').description('list channels')).action(
    async (options: ApiCommandOptions) => {
      const answer = (await (await apiOf(options)).call('GET', '/api/v1/channels')) as {
        channels: ChannelLine[];
      };
      await printRows(io, options, answer.channels, ['id', 'kind', 'from', 'name', 'to'], (row) => [
        ...[row.id, row.kind, row.least, row.name, [row.url, row.room].filter(Boolean).join(' ')],
      ]);
    },
  );
  const act = (name: string, description: string, method: string, path: (id: string) => string) =>
    withApiOptions(channel.command(name).description(description))
      .argument('<id>')
      .action(async (id: string, options: ApiCommandOptions) => {
        const answer = await (await apiOf(options)).call(method, path(encodeURIComponent(id)));
        if (answer !== undefined) printOne(io, answer);
      });
  act('test', 'send a message that says that this is a test', 'POST', (id) => `/api/v1/channels/${id}/test`);
  act('remove', 'send no more there', 'DELETE', (id) => `/api/v1/channels/${id}`);
  act('retry', 'try a dead letter once more', 'POST', (id) => `/api/v1/deliveries/${id}/retry`);
  withApiOptions(channel.command('deliveries').description('list messages and what became of them'))
    .option('--state <state>', 'waiting, delivered or dead')
    .option('--channel <id>', 'to one channel')
    .action(async (options: ApiCommandOptions & { state?: string; channel?: string }) => {
      const path = `/api/v1/deliveries${queryOf({ state: options.state, channel_id: options.channel })}`;
      const { deliveries } = (await (await apiOf(options)).call('GET', path)) as {
        deliveries: DeliveryLine[];
      };
      const head = ['id', 'made', 'channel', 'state', 'tries', 'error'];
      await printRows(io, options, deliveries, head, (row, time) => [
        ...[row.id, time(row.created_ms), row.channel_id, row.state, row.attempts, row.error],
      ]);
    });
};

function registerAdding(channel: Command, io: CommandIo): void {
  const least = ['--from <severity>', 'critical, or warning for all', 'warning'] as const;
  withApiOptions(channel.command('add-webhook').description('send alarms as signed JSON; prints the secret'))
    .argument('<name>')
    .argument('<url>')
    .option(...least)
    .action(async (name: string, url: string, options: ApiCommandOptions & { from: string }) => {
      const body = { kind: 'webhook', name, url, least: options.from };
      printOne(io, await (await apiOf(options)).call('POST', '/api/v1/channels', body));
    });
  withApiOptions(channel.command('add-matrix').description('send alarms to a Matrix room'))
    .argument('<name>')
    .argument('<homeserver>', 'such as https://matrix.example.org')
    .argument('<room>', 'its internal id, such as !abc:example.org')
    .requiredOption('--access-token-file <file>', 'of a user who is in the room')
    .option(...least)
    .action(
      async (
        name: string,
        url: string,
        room: string,
        options: ApiCommandOptions & { from: string; accessTokenFile: string },
      ) => {
        const access_token = readSecret(options.accessTokenFile);
        const body = { kind: 'matrix', name, url, room, access_token, least: options.from };
        printOne(io, await (await apiOf(options)).call('POST', '/api/v1/channels', body));
      },
    );
}

/** Never an argument: others see those. @throws BulkheadError CHANNEL_TOKEN_FILE */
function readSecret(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new BulkheadError('CHANNEL_TOKEN_FILE', `cannot read the access token in ${path}`, { cause });
  }
}
