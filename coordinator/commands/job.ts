import {
  type ApiCommandOptions,
  apiOf,
  printOne,
  printRows,
  queryOf,
  withApiOptions,
} from './api-command.ts';
import type { RegisterCommand } from './command.ts';

interface JobLine {
  id: string;
  created_ms: number;
  project: string;
  ref: string;
  commit_sha: string;
  channel: string;
  state: string;
  worker: string | null;
  message: string | null;
}

const at = (id: string, more = '') => `/api/v1/jobs/${encodeURIComponent(id)}${more}`;

/** `bulkhead-coordinator job …`. */
export const registerJob: RegisterCommand = (program, io) => {
  const job = program.command('job').description('builds');
  withApiOptions(job.command('list').description('list builds, newest first'))
    .option('--state <state>', 'queued, running, succeeded, failed or cancelled')
    .option('--project <id>', 'of one project')
    .option('--before <id>', 'the last one of the page before')
    .action(async (options: ApiCommandOptions & { state?: string; project?: string; before?: string }) => {
      const { state, project: project_id, before } = options;
      const path = `/api/v1/jobs${queryOf({ state, project_id, before })}`;
      const { jobs } = (await (await apiOf(options)).call('GET', path)) as { jobs: JobLine[] };
      const head = ['id', 'queued', 'project', 'ref', 'commit', 'channel', 'state', 'worker', 'result'];
      await printRows(io, options, jobs, head, (row, time) => [
        ...[row.id, time(row.created_ms), row.project, row.ref, row.commit_sha.slice(0, 10)],
        ...[row.channel, row.state, row.worker, row.message],
      ]);
    });
  withApiOptions(job.command('show').description('show one build'))
    .argument('<id>')
    .action(async (id: string, options: ApiCommandOptions) => {
      const { log: _, ...facts } = (await (await apiOf(options)).call('GET', at(id))) as { log: unknown };
      printOne(io, facts);
    });
  withApiOptions(job.command('log').description('print the log of a build'))
    .argument('<id>')
    .action(async (id: string, options: ApiCommandOptions) => {
      const { log } = (await (await apiOf(options)).call('GET', at(id))) as {
        log: { attempt: number; text: string }[];
      };
      for (const { attempt, text } of log) io.out(`${log.length > 1 ? `attempt ${attempt}\n` : ''}${text}`);
    });
  withApiOptions(job.command('cancel').description('take a build back; a worker that is at it stops'))
    .argument('<id>')
    .action(async (id: string, options: ApiCommandOptions) => {
      await (await apiOf(options)).call('POST', at(id, '/cancel'));
    });
  withApiOptions(job.command('repeat').description('build the same once more'))
    .argument('<id>')
    .action(async (id: string, options: ApiCommandOptions) => {
      printOne(io, await (await apiOf(options)).call('POST', at(id, '/repeat')));
    });
};
