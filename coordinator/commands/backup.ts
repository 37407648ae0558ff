import { join } from 'node:path';
import type { Command } from 'commander';
import { printFacts } from '../../base/command-line.ts';
import { BulkheadError } from '../../base/errors.ts';
import { ARTIFACTS, type RegisterCommand } from './command.ts';

interface BackupOptions {
  data: string;
  json?: true;
}

/** `bulkhead-coordinator backup` and `restore`: of SQLite, on the machine of the coordinator. */
export const registerBackup: RegisterCommand = (program, io) => {
  const withData = (command: Command) =>
    command
      .option('--data <folder>', 'of the coordinator', process.env['STATE_DIRECTORY'] ?? 'coordinator-data')
      .option('--json', 'print facts as JSON');
  withData(program.command('backup').description('copy the database, while the coordinator runs or not'))
    .argument('<file>', 'where to; FILE.artifacts beside it lists the files of releases')
    .action(async (file: string, { data, json }: BackupOptions) => {
      requireSqlite();
      const { backUp } = await import('../backup/backup.ts');
      const made = backUp(data, file);
      printFacts(
        io,
        json,
        made,
        () =>
          `${made.file}: ${made.size_bytes} bytes, whole; ${made.artifacts_file} lists ${made.artifacts} files`,
      );
    });
  withData(program.command('restore').description('put a backup in the place of the database'))
    .argument('<file>')
    .option(...ARTIFACTS)
    .option('--replace', 'also where there is a database; it is kept under another name')
    .action(async (file: string, options: BackupOptions & { artifacts?: string; replace?: true }) => {
      requireSqlite();
      const { restore } = await import('../backup/restore.ts');
      const { data, json } = options;
      const { openArtifacts } = await import('../artifacts/open.ts');
      const place = options.artifacts ?? join(data, 'artifacts');
      const artifacts = openArtifacts(place, process.env);
      const replace = options.replace ?? false;
      const done = await restore(file, { data, artifacts, replace, now_ms: Date.now() });
      printFacts(io, json, done, () => {
        const before = done.before === null ? '' : `\nthe one before is ${done.before}`;
        const missing = done.missing.map((sha256) => `\n  ${sha256}`).join('');
        return `${done.database} is restored${before}\n${done.missing.length} of ${done.artifacts} files of releases are missing in ${place}${missing}`;
      });
    });
};

function requireSqlite(): void {
  if (!process.env['DATABASE_URL']) return;
  throw new BulkheadError('BACKUP_POSTGRES', 'the database is a PostgreSQL, which makes its own backups', {
    hint: 'pg_dump --format=custom, and pg_restore; docs/operate/backup.md',
  });
}
