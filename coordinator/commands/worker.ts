import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiCommandOptions, addText, apiOf, withApiOptions } from './api-command.ts';
import type { RegisterCommand } from './command.ts';

interface WorkerOptions extends ApiCommandOptions {
  name: string;
  folder: string;
  pass: string[];
  once?: true;
}

/** What every command needs to find programs, its caches and credentials. */
const ALWAYS = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'SSH_AUTH_SOCK'];

/** `bulkhead-coordinator worker`: builds until a signal ends it. */
export const registerWorker: RegisterCommand = (program) => {
  withApiOptions(
    program.command('worker').description('take builds of the coordinator until a signal ends it'),
  )
    .option('--name <name>', 'what the coordinator calls it', hostname().replace(/[^A-Za-z0-9._-]/g, '-'))
    .option(
      '--folder <folder>',
      'builds get fresh folders in it',
      process.env['STATE_DIRECTORY'] ?? join(tmpdir(), 'bulkhead-worker'),
    )
    .option('--pass <variable>', 'of its environment that commands see; several times', addText, [])
    .option('--once', 'end after one build, or when there is none')
    .addHelpText(
      'after',
      `
Its token needs the scopes build, release and read. Commands of projects run as the user that runs the worker, with
${ALWAYS.join(', ')} and what --pass names; never with the token.

Example:
  bulkhead-coordinator token create worker build release read > token
  bulkhead-coordinator worker --server https://coordinator.example --token-file token --pass BULKHEAD_RELEASE_KEY`,
    )
    .action(async ({ name, folder, pass, once, ...options }: WorkerOptions) => {
      const { startLog } = await import('../../base/log.ts');
      const { work } = await import('../worker/work.ts');
      const stopping = new AbortController();
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort());
      const seen = [...ALWAYS, ...pass].flatMap((variable) => {
        const value = process.env[variable];
        return value === undefined ? [] : [[variable, value] as const];
      });
      const log = startLog(process.env, 'worker');
      await work({
        ...{ api: await apiOf(options), name, folder, environment: Object.fromEntries(seen) },
        ...{ log, stop: stopping.signal, once },
      });
    });
};
