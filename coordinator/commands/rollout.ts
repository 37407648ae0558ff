import { type Command, InvalidArgumentError } from 'commander';
import type { CommandIo } from '../../base/command-line.ts';
import type { RolloutAction } from '../rollouts/intent.ts';
import {
  type ApiCommandOptions,
  apiOf,
  jsonObject,
  printOne,
  printRows,
  queryOf,
  withApiOptions,
} from './api-command.ts';
import type { RegisterCommand } from './command.ts';

interface RolloutLine {
  id: string;
  name: string;
  version: string;
  phase: string;
  wish: string;
  plan_number: number;
  created_ms: number;
}

interface PlanLine {
  number: number;
  at_ms: number;
  phase: string;
  reasons: string[];
}

interface MemberLine {
  device_id: string;
  state: string;
  stage: number | null;
  code: string | null;
  message: string | null;
}

/** Names of the commands, and what each of them asks for. */
const COMMANDS: Readonly<Record<string, [action: RolloutAction, description: string]>> = {
  approve: ['approve', 'let a rollout begin'],
  pause: ['pause', 'give no orders until it is resumed'],
  resume: ['resume', 'go on after a pause'],
  'release-brake': ['release_brake', 'go on after it has stopped by itself'],
  retry: ['retry_failed', 'give appliances that failed or were left behind one more try'],
  cancel: ['cancel', 'end it; who is at it finishes'],
  rollback: ['roll_back', 'bring everyone that it has moved back to the version before'],
};

const at = (id: string, more = '') => `/api/v1/rollouts/${encodeURIComponent(id)}${more}`;

/** `bulkhead-coordinator rollout …`. */
export const registerRollout: RegisterCommand = (program, io) => {
  const rollout = program.command('rollout').description('a release, spread over the fleet in stages');
  withApiOptions(rollout.command('create').description('draw up a rollout; it begins when it is approved'))
    .argument('<version>', 'of a release')
    .requiredOption('--cohort <query>', "whom it is about: 'all', 'tag.site eq \"berlin\"', …")
    .option('--name <name>', 'for people')
    .option('--stages <sizes>', 'per cent or counts, such as 5%,25%,100%', parseStages)
    .option('--more <json>', 'any other field of docs/operate/rollouts.md', jsonObject, {})
    .action(
      async (
        version: string,
        options: ApiCommandOptions & { cohort: string; name?: string; stages?: object[]; more: object },
      ) => {
        const { cohort, name, stages, more } = options;
        const body = { version, cohort, name, stages, ...more };
        printOne(io, await (await apiOf(options)).call('POST', '/api/v1/rollouts', body));
      },
    );
  registerLooking(rollout, io);
  for (const [name, [action, description]] of Object.entries(COMMANDS))
    withApiOptions(rollout.command(name).description(description))
      .argument('<id>')
      .action(async (id: string, options: ApiCommandOptions) => {
        await (await apiOf(options)).call('POST', at(id, '/actions'), { action });
      });
};

function registerLooking(rollout: Command, io: CommandIo): void {
  withApiOptions(rollout.command('list').description('list rollouts, newest first')).action(
    async (options: ApiCommandOptions) => {
      const { rollouts } = (await (await apiOf(options)).call('GET', '/api/v1/rollouts')) as {
        rollouts: RolloutLine[];
      };
      const head = ['id', 'created', 'name', 'version', 'phase', 'wanted', 'plans'];
      await printRows(io, options, rollouts, head, (row, time) => [
        ...[row.id, time(row.created_ms), row.name, row.version, row.phase, row.wish, row.plan_number],
      ]);
    },
  );
  withApiOptions(rollout.command('show').description('show one rollout: stages, brake, who is where'))
    .argument('<id>')
    .action(async (id: string, options: ApiCommandOptions) => {
      printOne(io, await (await apiOf(options)).call('GET', at(id)));
    });
  withApiOptions(rollout.command('plans').description('show what was decided and why, newest first'))
    .argument('<id>')
    .action(async (id: string, options: ApiCommandOptions) => {
      const { plans } = (await (await apiOf(options)).call('GET', at(id, '/plans'))) as { plans: PlanLine[] };
      await printRows(io, options, plans, ['plan', 'at', 'phase', 'new'], (row, time) => [
        ...[row.number, time(row.at_ms), row.phase, row.reasons.join('; ')],
      ]);
    });
  withApiOptions(rollout.command('members').description('show how far each appliance has come'))
    .argument('<id>')
    .option('--state <state>', 'only those in one state, such as failed')
    .option('--after <id>', 'the last one of the page before')
    .action(async (id: string, options: ApiCommandOptions & { state?: string; after?: string }) => {
      const path = at(id, `/members${queryOf({ state: options.state, after: options.after })}`);
      const { members } = (await (await apiOf(options)).call('GET', path)) as { members: MemberLine[] };
      const head = ['appliance', 'state', 'stage', 'why', 'message'];
      await printRows(io, options, members, head, (row) => [
        ...[row.device_id, row.state, row.stage === null ? null : row.stage + 1, row.code, row.message],
      ]);
    });
  withApiOptions(rollout.command('preview').description('show what would happen next; nothing of it does'))
    .argument('<id>')
    .action(async (id: string, options: ApiCommandOptions) => {
      io.out(await (await (await apiOf(options)).stream(at(id, '/preview'))).text());
    });
}

function parseStages(text: string): ({ percent: number } | { count: number })[] {
  return text.split(',').map((size) => {
    const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(size.trim()) ?? [];
    if (number === undefined) throw new InvalidArgumentError('sizes such as 5%,25%,100% or 10,50 are needed');
    return percent === '%' ? { percent: Number(number) } : { count: Number(number) };
  });
}
