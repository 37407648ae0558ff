import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { CommandIo } from '../../base/command-line.ts';
import { BulkheadError } from '../../base/errors.ts';
import { type ApiCommandOptions, apiOf, printOne, printRows, withApiOptions } from './api-command.ts';
import type { RegisterCommand } from './command.ts';

interface ProjectLine {
  id: string;
  name: string;
  service: string;
  repository: string;
  rules: { ref: string; channel: string }[];
}

interface EventLine {
  received_ms: number;
  event: string;
  ref: string | null;
  outcome: string;
  reason: string | null;
  job_id: string | null;
}

interface RuleOptions extends ApiCommandOptions {
  ref?: string;
  channel?: string;
  command?: string;
  rules?: string;
  timeout?: number;
}

const at = (id: string, more = '') => `/api/v1/projects/${encodeURIComponent(id)}${more}`;

/** `bulkhead-coordinator project …`. */
export const registerProject: RegisterCommand = (program, io) => {
  const project = program.command('project').description('repositories whose pushes are built');
  registerSetting(project, io);
  withApiOptions(project.command('list').description('list projects')).action(
    async (options: ApiCommandOptions) => {
      const answer = (await (await apiOf(options)).call('GET', '/api/v1/projects')) as {
        projects: ProjectLine[];
      };
      await printRows(io, options, answer.projects, ['id', 'name', 'service', 'rules', 'from'], (row) => [
        ...[row.id, row.name, row.service, row.rules.map((rule) => `${rule.ref}=${rule.channel}`).join(' ')],
        row.repository,
      ]);
    },
  );
  withApiOptions(project.command('show').description('show one project'))
    .argument('<id>')
    .action(async (id: string, options: ApiCommandOptions) => {
      printOne(io, await (await apiOf(options)).call('GET', at(id)));
    });
  withApiOptions(project.command('remove').description('build nothing of it any more'))
    .argument('<id>')
    .action(async (id: string, options: ApiCommandOptions) => {
      await (await apiOf(options)).call('DELETE', at(id));
    });
  withApiOptions(project.command('secret').description('make another secret for its webhook'))
    .argument('<id>')
    .action(async (id: string, options: ApiCommandOptions) => {
      printOne(io, await (await apiOf(options)).call('POST', at(id, '/secret')));
    });
  withApiOptions(project.command('events').description('list what its webhook has said'))
    .argument('<id>')
    .action(async (id: string, options: ApiCommandOptions) => {
      const { events } = (await (await apiOf(options)).call('GET', at(id, '/events'))) as {
        events: EventLine[];
      };
      const head = ['at', 'event', 'ref', 'outcome', 'build', 'why'];
      await printRows(io, options, events, head, (row, time) => [
        ...[time(row.received_ms), row.event, row.ref, row.outcome, row.job_id, row.reason],
      ]);
    });
  withApiOptions(project.command('build').description('build a commit as if it had been pushed'))
    .argument('<id>')
    .argument('<ref>', 'such as refs/heads/main')
    .argument('<commit>')
    .action(async (id: string, ref: string, commit: string, options: ApiCommandOptions) => {
      printOne(io, await (await apiOf(options)).call('POST', at(id, '/builds'), { ref, commit }));
    });
};

function registerSetting(project: Command, io: CommandIo): void {
  const set = (name: string, description: string) =>
    withApiOptions(project.command(name).description(description))
      .option('--ref <pattern>', 'what is built, such as refs/heads/main or refs/tags/v*')
      .option('--channel <name>', 'which its release belongs to')
      .option('--command <text>', 'what sh runs in the checkout')
      .option('--rules <file>', 'JSON list of {ref, channel, command} instead of the three')
      .option('--timeout <seconds>', 'after which a build is ended', Number);
  set('add', 'build what is pushed to a repository; prints the secret for its webhook, this once')
    .argument('<name>')
    .argument('<service>', 'github, gitlab or gitea')
    .argument('<repository>', 'where workers fetch it')
    .action(async (name: string, service: string, repository: string, options: RuleOptions) => {
      const body = { name, service, repository, ...rulesOf(options) };
      printOne(io, await (await apiOf(options)).call('POST', '/api/v1/projects', body));
    });
  set('change', 'say anew what is built; the secret stays')
    .argument('<id>')
    .argument('<name>')
    .argument('<service>')
    .argument('<repository>')
    .action(async (id: string, name: string, service: string, repository: string, options: RuleOptions) => {
      const body = { name, service, repository, ...rulesOf(options) };
      printOne(io, await (await apiOf(options)).call('PUT', at(id), body));
    });
}

/** @throws BulkheadError PROJECT_RULES */
function rulesOf({ ref, channel, command, rules, timeout: timeout_s }: RuleOptions) {
  if (rules !== undefined) return { rules: readRules(rules), timeout_s };
  if (ref === undefined || channel === undefined || command === undefined)
    throw new BulkheadError('PROJECT_RULES', 'nothing says what is built', {
      hint: '--ref, --channel and --command together, or --rules FILE',
    });
  return { rules: [{ ref, channel, command }], timeout_s };
}

function readRules(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new BulkheadError('PROJECT_RULES', `cannot read the rules in ${path}`, { cause });
  }
}
