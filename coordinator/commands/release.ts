import type { Command } from 'commander';
import type { CommandIo } from '../../base/command-line.ts';
import {
  type ApiCommandOptions,
  addText,
  apiOf,
  printOne,
  printRows,
  queryOf,
  withApiOptions,
} from './api-command.ts';
import type { RegisterCommand } from './command.ts';

interface ReleaseLine {
  id: string;
  version: string;
  channel: string;
  compatible: string[];
  created_ms: number;
  withdrawn_ms: number | null;
}

const at = (id: string, more = '') => `/api/v1/releases/${encodeURIComponent(id)}${more}`;

/** `bulkhead-coordinator release …`. */
export const registerRelease: RegisterCommand = (program, io) => {
  const release = program.command('release').description('what there is to roll out');
  registerPublishing(release, io);
  withApiOptions(release.command('list').description('list releases, newest first'))
    .option('--channel <name>', 'of one channel')
    .action(async (options: ApiCommandOptions & { channel?: string }) => {
      const path = `/api/v1/releases${queryOf({ channel: options.channel })}`;
      const { releases } = (await (await apiOf(options)).call('GET', path)) as { releases: ReleaseLine[] };
      const head = ['id', 'version', 'channel', 'hardware', 'created', 'withdrawn'];
      await printRows(io, options, releases, head, (row, time) => [
        ...[row.id, row.version, row.channel, row.compatible.join(' '), time(row.created_ms)],
        time(row.withdrawn_ms),
      ]);
    });
  withApiOptions(
    release.command('show').description('show one release, its files and what it costs the fleet'),
  )
    .argument('<id>')
    .action(async (id: string, options: ApiCommandOptions) => {
      printOne(io, await (await apiOf(options)).call('GET', at(id)));
    });
  withApiOptions(
    release.command('scan').description('compare what a release is made of with a feed of vulnerabilities'),
  )
    .argument('<id>')
    .requiredOption('--feed <file>', "JSON of Debian's security tracker, or of OSV")
    .action(async (id: string, options: ApiCommandOptions & { feed: string }) => {
      const { scanRelease } = await import('../client/scan.ts');
      printOne(io, await scanRelease(await apiOf(options), id, options.feed));
    });
  withApiOptions(
    release.command('withdraw').description('take a release back: nobody is brought to it any more'),
  )
    .argument('<id>')
    .requiredOption('--reason <text>', 'for the audit log')
    .action(async (id: string, options: ApiCommandOptions & { reason: string }) => {
      await (await apiOf(options)).call('POST', at(id, '/withdraw'), { reason: options.reason });
    });
  registerKeys(release.command('keys').description('whose releases are taken'), io);
};

function registerPublishing(release: Command, io: CommandIo): void {
  withApiOptions(release.command('upload').description('publish a bundle and what lies beside it'))
    .argument('<file>', 'the full bundle; FILE.blocks and FILE.from-… beside it go along')
    .requiredOption('--channel <name>', 'which it belongs to, such as stable')
    .option('--notes <text>', 'what is new, for people')
    .option('--floor <version>', 'must not be skipped on the way; may be given several times', addText, [])
    .action(
      async (
        file: string,
        options: ApiCommandOptions & { channel: string; notes?: string; floor: string[] },
      ) => {
        const { publishRelease } = await import('../client/publish.ts');
        const { channel, notes, floor: floors } = options;
        printOne(io, await publishRelease(await apiOf(options), file, { channel, notes, floors }));
      },
    );
  withApiOptions(release.command('add').description('lay a delta, or the blocks, beside a release'))
    .argument('<id>')
    .argument('<file>')
    .action(async (id: string, file: string, options: ApiCommandOptions) => {
      const { uploadFile } = await import('../client/upload.ts');
      const api = await apiOf(options);
      printOne(io, await api.call('POST', at(id, '/files'), { sha256: await uploadFile(api, file) }));
    });
}

function registerKeys(keys: Command, io: CommandIo): void {
  withApiOptions(keys.command('show').description('show the keys that are trusted')).action(
    async (options: ApiCommandOptions) => {
      printOne(io, await (await apiOf(options)).call('GET', '/api/v1/release-keys'));
    },
  );
  withApiOptions(keys.command('set').description('trust the key sets of a file, as in the image'))
    .argument('<file>')
    .action(async (file: string, options: ApiCommandOptions) => {
      const { readKeysetJson } = await import('../client/read-keyset.ts');
      printOne(io, await (await apiOf(options)).call('PUT', '/api/v1/release-keys', readKeysetJson(file)));
    });
}
