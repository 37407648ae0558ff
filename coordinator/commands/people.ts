import { type ApiCommandOptions, apiOf, printOne, printRows, withApiOptions } from './api-command.ts';
import type { RegisterCommand } from './command.ts';

/** `bulkhead-coordinator sign-in`, `token …` and `user …`. */
export const registerPeople: RegisterCommand = (program, io) => {
  withApiOptions(
    program.command('sign-in').description('sign in once with a code and print the token of the session'),
  )
    .argument('<code>', 'as the coordinator printed it when it started, or as an administrator gave it')
    .action(async (code: string, options: ApiCommandOptions) => {
      const session = (await (await apiOf(options)).call('POST', '/api/v1/session', { code })) as {
        token: string;
      };
      if (options.json) printOne(io, session);
      else io.out(`${session.token}\n`);
    });
  const token = program.command('token').description('tokens for programs');
  withApiOptions(token.command('create').description('make a token; it is shown this once'))
    .argument('<name>')
    .argument('<scope...>', 'read, device, order, release, rollout, alarm, build, audit, admin')
    .action(async (name: string, scopes: string[], options: ApiCommandOptions) => {
      const made = (await (await apiOf(options)).call('POST', '/api/v1/tokens', { name, scopes })) as {
        token: string;
      };
      if (options.json) printOne(io, made);
      else io.out(`${made.token}\n`);
    });
  withApiOptions(token.command('list').description('list your tokens')).action(
    async (options: ApiCommandOptions) => {
      const answer = (await (await apiOf(options)).call('GET', '/api/v1/tokens')) as {
        tokens: { id: string; name: string; scopes: string[]; revoked_ms: number | null }[];
      };
      await printRows(io, options, answer.tokens, ['id', 'name', 'revoked', 'scopes'], (row, time) => [
        ...[row.id, row.name, time(row.revoked_ms), row.scopes.join(' ')],
      ]);
    },
  );
  withApiOptions(token.command('revoke').description('revoke one of your tokens'))
    .argument('<id>')
    .action(async (id: string, options: ApiCommandOptions) => {
      await (await apiOf(options)).call('DELETE', `/api/v1/tokens/${encodeURIComponent(id)}`);
    });
  const user = program.command('user').description('who may sign in');
  withApiOptions(user.command('add').description('add somebody; the code that is printed signs in once'))
    .argument('<name>')
    .argument('<role>', 'viewer, operator or admin')
    .action(async (name: string, role: string, options: ApiCommandOptions) => {
      printOne(io, await (await apiOf(options)).call('POST', '/api/v1/users', { name, role }));
    });
  withApiOptions(user.command('list').description('list everybody who may sign in')).action(
    async (options: ApiCommandOptions) => {
      const answer = (await (await apiOf(options)).call('GET', '/api/v1/users')) as {
        users: { id: string; name: string; role: string; disabled_ms: number | null }[];
      };
      await printRows(io, options, answer.users, ['id', 'name', 'role', 'disabled'], (row, time) => [
        ...[row.id, row.name, row.role, time(row.disabled_ms)],
      ]);
    },
  );
};
