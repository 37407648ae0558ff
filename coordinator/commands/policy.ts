import { InvalidArgumentError } from 'commander';
import type { PolicyChoice, PolicyView } from '../policies/policies.ts';
import { parseWindow, policyWords, windowWords } from '../policies/words.ts';
import { type ApiCommandOptions, apiOf, printOne, printRows, withApiOptions } from './api-command.ts';
import type { RegisterCommand } from './command.ts';

interface AddOptions extends ApiCommandOptions {
  cohort: string;
  follow?: string;
  pin?: string;
  manual?: true;
  window?: object;
}

const at = (id: string, more = '') => `/api/v1/policies/${encodeURIComponent(id)}${more}`;

/** `bulkhead-coordinator policy …`. */
export const registerPolicy: RegisterCommand = (program, io) => {
  const policy = program.command('policy').description('who decides what which appliances run');
  withApiOptions(
    policy.command('list').description('list policies; the first that fits an appliance holds for it'),
  ).action(async (options: ApiCommandOptions) => {
    const { policies } = (await (await apiOf(options)).call('GET', '/api/v1/policies')) as {
      policies: PolicyView[];
    };
    const head = ['id', 'name', 'cohort', 'policy', 'window'];
    await printRows(io, options, policies, head, (row) => [
      ...[row.id, row.name, row.cohort, policyWords(row.policy), windowWords(row.window)],
    ]);
  });
  withApiOptions(policy.command('add').description('add a policy behind all others'))
    .argument('<name>', 'for people')
    .requiredOption('--cohort <query>', "whom it is about: 'all', 'tag.ring eq \"beta\"', …")
    .option('--follow <channel>', 'the newest release of a channel, by itself')
    .option('--pin <version>', 'this version and no other')
    .option('--manual', 'what operators roll out; what holds without a policy')
    .option(
      '--window <window>',
      'when they may be given orders: mon,tue 02:00-04:00 Europe/Berlin',
      readWindow,
    )
    .addHelpText(
      'after',
      `
Examples:
  bulkhead-coordinator policy add labs --cohort 'tag.ring eq "lab"' --follow beta
  bulkhead-coordinator policy add clinics --cohort 'tag.kind eq "clinic"' --manual --window 'sat,sun 01:00-05:00 Europe/Berlin'`,
    )
    .action(async (name: string, options: AddOptions) => {
      const { cohort, window = null } = options;
      const body = { name, cohort, policy: choiceOf(options), window };
      printOne(io, await (await apiOf(options)).call('POST', '/api/v1/policies', body));
    });
  const act = (name: string, description: string, method: string, more = '') =>
    withApiOptions(policy.command(name).description(description))
      .argument('<id>')
      .action(async (id: string, options: ApiCommandOptions) => {
        await (await apiOf(options)).call(method, at(id, more));
      });
  act('raise', 'try a policy before the one above it', 'POST', '/raise');
  act('remove', 'take a policy away', 'DELETE');
};

function choiceOf({ follow, pin, manual }: AddOptions): PolicyChoice {
  const given = [follow, pin, manual].filter((one) => one !== undefined);
  if (given.length !== 1) throw new InvalidArgumentError('one of --follow, --pin and --manual is needed');
  if (follow !== undefined) return { kind: 'auto_latest', channel: follow };
  return pin === undefined ? { kind: 'manual' } : { kind: 'pinned', version: pin };
}

function readWindow(text: string): object {
  const window = parseWindow(text);
  if (window === null)
    throw new InvalidArgumentError('a window looks like: sat,sun 01:00-05:00 Europe/Berlin');
  return window;
}
